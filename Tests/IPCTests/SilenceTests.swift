import IPC
import Testing

struct SilenceTests {
    @Test(
        arguments: [
            (45, 90, "no sign of life for 45s (no output); ended in 1m 30s unless it moves"),
            (360, 3600, "no sign of life for 6m (no output); ended in 1h unless it moves"),
            (659, 1, "no sign of life for 10m (no output); ended in 1s unless it moves"),
            (90_061, 0, "no sign of life for 1d 1h (no output); ended any moment unless it moves"),
            (0, -5, "no sign of life for 0s (no output); ended any moment unless it moves"),
            (61, nil, "no sign of life for 1m 1s (no output); its run is being ended"),
        ] as [(Int, Int?, String)]
    )
    func aSilenceIsSaidInOneSentence(_ seconds: Int, _ left: Int?, _ sentence: String) {
        #expect(Silence.sentence(evidence: "no output", seconds: seconds, left: left) == sentence)
    }
}
