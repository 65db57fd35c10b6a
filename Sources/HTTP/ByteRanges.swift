/// The parts of a representation that a `Range` asks for (RFC 9110, 14.1 and 14.2).
enum ByteRanges: Equatable {
    /// It asks for nothing that is done here: the whole is the answer.
    case whole
    /// In the order that was asked for. None is empty, and no two overlap.
    case parts([Range<Int>])
    /// Nothing of it exists.
    case unsatisfiable

    /// A client that wants more parts gets the whole.
    static let maxCount = 16

    /// What is no valid range of bytes does not count, and neither do parts that overlap or are too many; an empty
    /// representation has no parts, and no client is served by being told so.
    init(_ field: String, length: Int) {
        self = .whole
        let bytes = field.utf8
        guard length > 0, let equals = bytes.firstIndex(of: UInt8(ascii: "=")),
            Substring(bytes[..<equals]).lowercased() == "bytes"
        else { return }
        var specs = 0
        var found: [Range<Int>] = []
        for element in bytes[bytes.index(after: equals)...].split(separator: UInt8(ascii: ",")) {
            // An element may be empty, with space around it, and has none inside (RFC 9110, 5.6.1.2).
            let words = element.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
            guard let spec = words.first else { continue }
            specs += 1
            guard words.count == 1, specs <= Self.maxCount, let range = Self.range(Array(spec), length) else { return }
            if !range.isEmpty { found.append(range) }
        }
        guard specs > 0 else { return }
        guard !found.isEmpty else {
            self = .unsatisfiable
            return
        }
        let sorted = found.sorted { $0.lowerBound < $1.lowerBound }
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0.upperBound <= $1.lowerBound }) else { return }
        self = .parts(found)
    }

    /// One of `2-5`, `2-` and `-5`; empty when there are no such bytes, nil when it is none of them.
    private static func range(_ spec: [UInt8], _ length: Int) -> Range<Int>? {
        let ends = spec.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            guard let count = number(ends[1]) else { return nil }
            return (length - min(count, length))..<length
        }
        guard let first = number(ends[0]) else { return nil }
        guard !ends[1].isEmpty else { return min(first, length)..<length }
        guard let last = number(ends[1]), first <= last else { return nil }
        guard first < length else { return length..<length }
        return first..<(min(last, length - 1) + 1)
    }

    /// Digits; what is more than an `Int` holds is more than any file has.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tenfold, isTooMuch) = value.multipliedReportingOverflow(by: 10)
            value = isTooMuch || tenfold > .max - 9 ? .max - 9 : tenfold + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
