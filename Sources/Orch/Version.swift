/// Which orch this is; the one place that says so.
enum Version {
    static let number = "0.1.0"
    /// The version of the protocol on the socket that this client speaks.
    static let wire = 1
}
