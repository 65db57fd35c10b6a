/// An entity tag: the name of one state of one representation (RFC 9110, 8.8.3).
struct EntityTag: Equatable, CustomStringConvertible {
    let isWeak: Bool
    /// What stands between the quotes.
    let opaque: String

    /// The tag of a file as it is now, or of what lies beside it in a coding. Strong: another file, another length or
    /// another time of change gives another tag. Two changes of the same length within one tick of the file system's
    /// clock (some milliseconds) are all that it cannot tell apart.
    init(of file: OpenFile, coding: ContentCoding? = nil) {
        let time = UInt64(bitPattern: Int64(file.modified.seconds)) &* 1_000_000_000
        let parts = [file.number, UInt64(file.size), time &+ UInt64(file.modified.nanoseconds)]
        isWeak = false
        opaque = (parts.map { String($0, radix: 16) } + (coding.map { [$0.name] } ?? [])).joined(separator: "-")
    }

    private init(isWeak: Bool, opaque: String) {
        self.isWeak = isWeak
        self.opaque = opaque
    }

    /// A field's value that is one tag; nil for anything else.
    init?(_ text: String) {
        var bytes = Substring(text).utf8
        guard let tag = Self.next(&bytes), bytes.isEmpty else { return nil }
        self = tag
    }

    /// The tags of a list, up to what is none.
    static func list(_ text: String) -> [EntityTag] {
        var bytes = Substring(text).utf8
        var tags: [EntityTag] = []
        while true {
            // A list may have empty elements (RFC 9110, 5.6.1.2).
            bytes = bytes.drop { separators.contains($0) }
            guard let tag = next(&bytes) else { return tags }
            tags.append(tag)
        }
    }

    private static let separators = Set(", \t".utf8)

    private static func next(_ bytes: inout Substring.UTF8View) -> EntityTag? {
        let isWeak = bytes.starts(with: "W/".utf8)
        var rest = isWeak ? bytes.dropFirst(2) : bytes
        guard rest.popFirst() == UInt8(ascii: "\""), let end = rest.firstIndex(of: UInt8(ascii: "\"")),
            rest[..<end].allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { return nil }
        bytes = rest[rest.index(after: end)...]
        return EntityTag(isWeak: isWeak, opaque: String(Substring(rest[..<end])))
    }

    var description: String { (isWeak ? "W/\"" : "\"") + opaque + "\"" }

    /// Whether both name the same bytes (RFC 9110, 8.8.3.2).
    func stronglyMatches(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    /// Whether both name what means the same.
    func weaklyMatches(_ other: EntityTag) -> Bool { opaque == other.opaque }
}
