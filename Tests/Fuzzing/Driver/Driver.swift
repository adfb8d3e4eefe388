// orch-fuzz TARGET FILE…: runs files through a target, as the tests do with the corpus. Built by scripts/fuzz.sh with
// -DLIBFUZZER it is a fuzzer instead, of the target that ORCH_FUZZ_TARGET names.
import Foundation
import FuzzTargets

#if LIBFUZZER
    private let target: FuzzTarget = {
        guard let name = getenv("ORCH_FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
            fatalError("ORCH_FUZZ_TARGET is one of \(FuzzTarget.allCases.map(\.rawValue))")
        }
        return target
    }()

    @_cdecl("LLVMFuzzerTestOneInput")
    public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        do {
            try target.run(Array(UnsafeBufferPointer(start: start, count: count)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
#else
    @main
    struct Driver {
        static func main() throws {
            let arguments = CommandLine.arguments
            guard arguments.count > 2, let target = FuzzTarget(rawValue: arguments[1]) else {
                print("usage: orch-fuzz \(FuzzTarget.allCases.map(\.rawValue).joined(separator: "|")) FILE…")
                exit(2)
            }
            for file in arguments.dropFirst(2) {
                print(file)
                try target.run([UInt8](Data(contentsOf: URL(filePath: file))))
            }
        }
    }
#endif
