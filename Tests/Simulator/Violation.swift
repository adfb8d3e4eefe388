/// Something that must never be, and was.
package struct Violation: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws(Violation) {
    guard condition else { throw Violation(otherwise()) }
}
