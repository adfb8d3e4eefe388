/// Mistakes the simulator must be able to find. A test plants one, and shows that it is found; nothing else does.
enum PlantedBug: Hashable, Sendable {
    /// A ticket lets go of its locks when it is approved rather than when it has landed.
    case locksReleasedBeforeLanding
    /// Nobody reserves a lock: a wide one waits for ever behind a stream of narrow ones.
    case starvation
}
