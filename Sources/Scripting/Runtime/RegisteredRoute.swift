/// A route as its script registered it, for those who list them.
public struct RegisteredRoute: Equatable, Sendable {
    public let method: String
    public let path: String
    /// The file of its function, and the line where that begins; 0 where there is none.
    public let source: String
    public let line: Int

    public init(method: String, path: String, source: String, line: Int) {
        self.method = method
        self.path = path
        self.source = source
        self.line = line
    }
}
