import HTTPTypes

/// What proxies say of a request's way, in `X-Forwarded-For` and `X-Forwarded-Proto` or in `Forwarded` (RFC 7239): the
/// word of the nearest first.
///
/// Where the older headers are, the other is not read: most proxies write only those, and pass on what clients put into
/// `Forwarded`.
struct ForwardedChain: Sequence, IteratorProtocol {
    /// Whom one proxy heard.
    struct Hop: Equatable {
        var node: ForwardedNode
        /// "http" or "https"; nil where it does not say.
        var scheme: String?
    }

    private enum Word {
        case pair(node: Substring?, scheme: Substring?)
        case element(ArraySlice<UInt8>)
    }

    /// The nearest last.
    private var words: [Word]

    init(_ headers: HTTPFields) {
        if headers.contains(.xForwardedFor) || headers.contains(.xForwardedProto) {
            let nodes = Self.list(headers[values: .xForwardedFor])
            let schemes = Self.list(headers[values: .xForwardedProto])
            // Matched from the right: where the schemes are fewer, the farthest proxies did not tell theirs.
            words = (0..<Swift.max(nodes.count, Swift.min(schemes.count, 1))).map { index in
                .pair(
                    node: index < nodes.count ? nodes[index] : nil, scheme: index < schemes.count ? schemes[index] : nil
                )
            }
        } else {
            words = headers[values: .forwarded].reversed().flatMap(Self.elements).map(Word.element)
        }
        words.reverse()
    }

    /// Parsed when it is asked for: what lies behind an untrusted hop was written by anybody.
    mutating func next() -> Hop? {
        switch words.popLast() {
        case nil: nil
        case .pair(let node, let scheme):
            Hop(node: node.map { ForwardedNode($0) } ?? .hidden, scheme: scheme.flatMap(Self.scheme))
        case .element(let bytes):
            if let element = ForwardedElement(bytes) {
                Hop(
                    node: element["for"].map { ForwardedNode($0) } ?? .hidden,
                    scheme: element["proto"].flatMap(Self.scheme))
            } else {
                Hop(node: .malformed)
            }
        }
    }

    private static func scheme(_ text: some StringProtocol) -> String? {
        let scheme = text.lowercased()
        return ["http", "https"].contains(scheme) ? scheme : nil
    }

    /// What stands between commas, the last first; empty elements do not count (RFC 9110, 5.6.1).
    private static func list(_ lines: [String]) -> [Substring] {
        lines.flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }.reversed()
            .map { Substring(OptionalWhitespace.trimmed($0)) }.filter { !$0.isEmpty }
    }

    /// The elements of one line, the last first. Quotes are matched from the right, so that one that a client has left
    /// open does not swallow what a proxy has appended.
    private static func elements(_ line: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(line.utf8)
        var elements: [ArraySlice<UInt8>] = []
        var end = bytes.endIndex
        var isQuoted = false
        for index in bytes.indices.reversed() {
            switch bytes[index] {
            case UInt8(ascii: "\""): if !isQuoted || !isEscaped(index, bytes) { isQuoted.toggle() }
            case UInt8(ascii: ",") where !isQuoted:
                elements.append(bytes[(index + 1)..<end])
                end = index
            default: break
            }
        }
        elements.append(bytes[..<end])
        return elements.map(OptionalWhitespace.trimmed).filter { !$0.isEmpty }
    }

    private static func isEscaped(_ index: Int, _ bytes: [UInt8]) -> Bool {
        bytes[..<index].reversed().prefix { $0 == UInt8(ascii: "\\") }.count % 2 == 1
    }
}

extension HTTPField.Name {
    static let forwarded = HTTPField.Name("Forwarded")!
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
