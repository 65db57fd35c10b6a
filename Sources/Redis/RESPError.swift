/// An error that Redis answered with.
public struct RESPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Its first word: "ERR", "NOSCRIPT", "READONLY", "LOADING", …
    public let code: String
    /// The whole text, the code included.
    public let message: String

    public init(_ message: String) {
        self.message = message
        code = String(message.prefix { $0 != " " })
    }

    public var description: String { message }
}
