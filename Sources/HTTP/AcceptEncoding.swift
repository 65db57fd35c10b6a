/// The codings that a client takes, by weight (RFC 9110, 12.5.3).
struct AcceptEncoding {
    /// In thousandths, by name in lower case.
    private var weights: [String: Int] = [:]

    /// A client that says nothing gets no coding. What is malformed in a field does not count.
    init(_ field: String?) {
        for element in (field ?? "").utf8.split(separator: UInt8(ascii: ",")) {
            let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map {
                Substring($0).filter { $0 != " " && $0 != "\t" }.lowercased()
            }
            guard !parts[0].isEmpty, parts.count <= 2, let weight = parts.count == 1 ? 1000 : Self.weight(parts[1])
            else { continue }
            weights[parts[0] == "x-gzip" ? "gzip" : parts[0]] = weight  // RFC 9110, 8.4.1.3
        }
    }

    /// `q=0.5` in thousandths (RFC 9110, 12.4.2).
    private static func weight(_ parameter: String) -> Int? {
        guard parameter.utf8.starts(with: "q=".utf8) else { return nil }
        let digits = Array(parameter.utf8.dropFirst(2))
        guard let whole = digits.first, digits.count <= 5, digits.count == 1 || digits[1] == UInt8(ascii: ".") else {
            return nil
        }
        var value = 0
        for place in 0..<4 {
            let byte = place == 0 ? whole : place + 1 < digits.count ? digits[place + 1] : UInt8(ascii: "0")
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value <= 1000 ? value : nil
    }

    /// The one of these codings that the client likes best; nil for none of them. One that is as good as the plain bytes
    /// goes before them. Plain bytes are also the answer to a client that takes nothing at all.
    func best(of codings: [ContentCoding]) -> ContentCoding? {
        var best: (coding: ContentCoding, weight: Int)?
        for coding in codings {
            let weight = weights[coding.name] ?? weights["*"] ?? 0
            if weight > best?.weight ?? 0 { best = (coding, weight) }
        }
        guard let best, best.weight >= weights["identity"] ?? 0 else { return nil }
        return best.coding
    }
}
