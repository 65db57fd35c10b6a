/// A header field that the user adds to the request (RFC 9110, section 5).
public struct RequestField: Equatable, Sendable {
    /// Why a text is none, as a sentence's end.
    public struct Invalid: Error, Equatable, Sendable { public let reason: String }

    public let name: String
    public let value: String

    /// What says how a body is framed; there is none.
    private static let framing: Set<String> = ["content-length", "transfer-encoding", "connection", "upgrade", "te"]

    /// From "Name: value".
    public init(_ text: String) throws(Invalid) {
        guard let colon = text.firstIndex(of: ":") else { throw Invalid(reason: "must be 'Name: value'") }
        let name = text[..<colon]
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
            throw Invalid(reason: "must begin with the name of a field (letters, digits and '-') and a colon")
        }
        guard !text.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            throw Invalid(reason: "must not hold a control character")
        }
        guard !Self.framing.contains(name.lowercased()) else {
            throw Invalid(reason: "must not be \(name), which belongs to the connection")
        }
        self.name = String(name)
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let value = text[text.index(after: colon)...].drop(while: isSpace)
        self.value = String(value.reversed().drop(while: isSpace).reversed())
    }

    /// RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
