/// What the headers of one part of a `multipart/form-data` body say (RFC 7578, 4.2 to 4.8).
struct PartHeaders {
    let name: [UInt8]
    /// Nil for a part that is no file.
    let file: Form.File?

    private typealias Fault = FormError.PartFault

    /// - Parameter lines: without their line ends. Other headers than the three that are known are ignored (4.8).
    init(_ lines: [some BidirectionalCollection<UInt8>]) throws(FormError.PartFault) {
        var headers: [String: [UInt8]] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), Token.isToken(line[..<colon]),
                line.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == UInt8(ascii: "\t") })
            else { throw .badHeader }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            guard let shown = Self.known[name] else { continue }
            let value = Self.trimmed(Array(line[line.index(after: colon)...]))
            guard headers.updateValue(value, forKey: name) == nil else { throw .repeatedHeader(shown) }
        }
        guard let disposition = headers["content-disposition"] else { throw .noDisposition }
        guard let disposition = ParameterizedValue(disposition) else { throw .badDisposition }
        guard disposition.value == "form-data" else { throw .notFormData }
        guard let name = disposition.parameters["name"] else { throw .noName }
        self.name = Self.unescaped(name)
        let fileName = try Self.fileName(disposition.parameters)
        try Self.check(encoding: headers["content-transfer-encoding"])
        let type = try Self.contentType(headers["content-type"], isFile: fileName != nil)
        file = fileName.map { Form.File(name: $0, contentType: type) }
    }

    private static let known = [
        "content-disposition": "Content-Disposition", "content-type": "Content-Type",
        "content-transfer-encoding": "Content-Transfer-Encoding",
    ]

    private static func trimmed(_ value: [UInt8]) -> [UInt8] {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let end = value.lastIndex(where: { !isBlank($0) }) else { return [] }
        return Array(value[...end].drop(while: isBlank))
    }

    /// What browsers escape in a name, and nothing else: `%` itself they leave (WHATWG HTML, "multipart/form-data
    /// encoding algorithm").
    private static func unescaped(_ name: [UInt8]) -> [UInt8] {
        guard name.contains(UInt8(ascii: "%")) else { return name }
        var result: [UInt8] = []
        var rest = name[...]
        while let byte = rest.popFirst() {
            let escape = byte == UInt8(ascii: "%") ? String(decoding: rest.prefix(2), as: UTF8.self).uppercased() : ""
            let meant: UInt8? =
                switch escape {
                case "22": UInt8(ascii: "\"")
                case "0D": 0x0D
                case "0A": 0x0A
                default: nil
                }
            result.append(meant ?? byte)
            if meant != nil { rest = rest.dropFirst(2) }
        }
        return result
    }

    // MARK: the file's name

    /// `filename*` beats `filename` (RFC 6266, 4.3).
    private static func fileName(_ parameters: [String: [UInt8]]) throws(FormError.PartFault) -> [UInt8]? {
        if let extended = parameters["filename*"] {
            guard let name = decodedExtended(extended) else { throw .badExtendedFileName }
            return withoutPath(name)
        }
        return parameters["filename"].map { withoutPath(unescaped($0)) }
    }

    /// `UTF-8'en'%e2%82%ac%20rates` (RFC 8187, 3.2).
    private static func decodedExtended(_ value: [UInt8]) -> [UInt8]? {
        let parts = value.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let name = PercentEncoding.decode(bytes: parts[2]), !name.contains(0) else {
            return nil
        }
        switch String(decoding: parts[0], as: UTF8.self).lowercased() {
        case "utf-8": return name
        case "iso-8859-1": return Array(String(String.UnicodeScalarView(name.map { Unicode.Scalar($0) })).utf8)
        default: return nil
        }
    }

    /// Nobody may choose a directory of ours, whatever system's paths he writes (RFC 7578, 4.2; RFC 6266, 4.3).
    private static func withoutPath(_ name: [UInt8]) -> [UInt8] {
        let start = name.lastIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }.map { $0 + 1 } ?? 0
        let name = Array(name[start...])
        return name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) ? [] : name
    }

    // MARK: what the value is

    private static func check(encoding: [UInt8]?) throws(FormError.PartFault) {
        guard let encoding else { return }
        guard ["7bit", "8bit", "binary"].contains(String(decoding: encoding, as: UTF8.self).lowercased()) else {
            throw .encoded
        }
    }

    private static func contentType(_ value: [UInt8]?, isFile: Bool) throws(FormError.PartFault) -> String {
        guard let value, !value.isEmpty else { return "text/plain" }
        guard let type = ParameterizedValue(value) else { throw .badContentType }
        // A file may well be an archive of a mail or of a page, which are multiparts of other kinds.
        guard type.value != "multipart/mixed", isFile || !type.value.hasPrefix("multipart/") else { throw .nested }
        return String(decoding: value, as: UTF8.self)
    }
}
