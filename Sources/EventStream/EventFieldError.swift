/// A field that cannot be put on the wire.
public struct EventFieldError: Error, Equatable, Sendable {
    public enum Field: String, Sendable { case id, event }

    /// The field that holds CR, LF or NUL.
    public let field: Field

    public init(field: Field) { self.field = field }
}
