import TestKit

extension SplitMix64 {
    /// Up to `count` pieces drawn from a list.
    mutating func pieces(of list: [[UInt8]], upTo count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...count, using: &self) { bytes += list.randomElement(using: &self)! }
        return bytes
    }

    /// Cuts bytes anywhere.
    mutating func chunks(of bytes: [UInt8], upTo size: Int) -> [ArraySlice<UInt8>] {
        var chunks: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 1...size, using: &self))
            chunks.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return chunks
    }
}
