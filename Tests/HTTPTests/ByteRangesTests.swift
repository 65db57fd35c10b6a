import TestKit
import Testing

@testable import HTTP

@Suite struct ByteRangesTests {
    @Test(arguments: [
        ("bytes=0-0", [0..<1]), ("bytes=0-9", [0..<10]), ("bytes=0-", [0..<10]), ("bytes=9-", [9..<10]),
        ("bytes=2-5", [2..<6]), ("bytes=9-9", [9..<10]), ("bytes=5-100", [5..<10]), ("bytes=-1", [9..<10]),
        ("bytes=-10", [0..<10]), ("bytes=-100", [0..<10]), ("BYTES=0-0", [0..<1]), ("bytes= 0-0", [0..<1]),
        ("bytes=0-0,2-2", [0..<1, 2..<3]), ("bytes=0-0 , \t2-2", [0..<1, 2..<3]), ("bytes=,0-0,,2-2,", [0..<1, 2..<3]),
        ("bytes=2-2,0-0", [2..<3, 0..<1]), ("bytes=0-4,5-9", [0..<5, 5..<10]), ("bytes=-2,0-1", [8..<10, 0..<2]),
        ("bytes=0-0,10-20", [0..<1]), ("bytes=-0,0-0", [0..<1]), ("bytes=00-01", [0..<2]),
        ("bytes=0-99999999999999999999999999", [0..<10]), ("bytes=-99999999999999999999999999", [0..<10]),
        ("bytes=0-9223372036854775807", [0..<10]), ("bytes=-9223372036854775808", [0..<10]),
    ])
    func `parts of ten bytes`(_ field: String, _ ranges: [Range<Int>]) {
        #expect(ByteRanges(field, length: 10) == .parts(ranges))
    }

    @Test(arguments: [
        "bytes=10-", "bytes=10-20", "bytes=-0", "bytes=10-,20-30", "bytes=99999999999999999999999999-",
        "bytes=9223372036854775807-9223372036854775807", "bytes=99999999999999999999-99999999999999999999",
    ])
    func `what lies behind the end cannot be had`(_ field: String) {
        #expect(ByteRanges(field, length: 10) == .unsatisfiable)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=5", "bytes=a-b", "bytes=5-2", "bytes=0-0,5-2",
        "bytes=0-0,x",
        "bytes=--1", "bytes=1--2", "bytes=1-2-3", "bytes=+1-2", "bytes=1 - 2", "bytes =0-0", "bytes:0-0", "items=0-0",
        "0-0", "bytes=0x1-2", "bytes=0-0;1-1", "bytes=\u{ff11}-", "bytes=0\u{301}-0", " bytes=0-0",
    ])
    func `what is no range of bytes does not count`(_ field: String) {
        #expect(ByteRanges(field, length: 10) == .whole)
    }

    @Test(arguments: ["bytes=0-4,4-5", "bytes=0-,0-", "bytes=0-9,-1", "bytes=5-6,0-9", "bytes=0-0,0-0"])
    func `parts that overlap are the whole`(_ field: String) { #expect(ByteRanges(field, length: 10) == .whole) }

    @Test func `more than 16 parts are the whole`() {
        let specs = (0..<17).map { "\($0 * 2)-\($0 * 2)" }
        let sixteen = (0..<16).map { $0 * 2..<$0 * 2 + 1 }
        #expect(ByteRanges("bytes=" + specs.prefix(16).joined(separator: ","), length: 100) == .parts(sixteen))
        #expect(ByteRanges("bytes=" + specs.joined(separator: ","), length: 100) == .whole)
    }

    @Test(arguments: ["bytes=0-", "bytes=0-0", "bytes=-5", "bytes=-0", "bytes=7-8"])
    func `nothing has no parts`(_ field: String) { #expect(ByteRanges(field, length: 0) == .whole) }

    /// Specs that are valid by construction, against the plainest reading of RFC 9110, 14.1.2.
    @Test func `random parts are those that were asked for`() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<5_000 {
            let length = Int.random(in: 1...40, using: &random)
            var specs: [String] = []
            var expected: [[Int]] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let (a, b) = (Int.random(in: 0...50, using: &random), Int.random(in: 0...50, using: &random))
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    specs.append("\(min(a, b))-\(max(a, b))")
                    expected.append((min(a, b)...max(a, b)).filter { $0 < length })
                case 1:
                    specs.append("\(a)-")
                    expected.append((0..<length).filter { $0 >= a })
                default:
                    specs.append("-\(a)")
                    expected.append((0..<length).filter { $0 >= length - a })
                }
            }
            expected.removeAll(where: \.isEmpty)
            let all = expected.flatMap { $0 }
            let found = ByteRanges("bytes=" + specs.joined(separator: ","), length: length)
            if all.isEmpty {
                #expect(found == .unsatisfiable, "\(specs) of \(length)")
            } else if Set(all).count < all.count {
                #expect(found == .whole, "\(specs) of \(length)")
            } else {
                #expect(found == .parts(expected.map { $0.first!..<$0.last! + 1 }), "\(specs) of \(length)")
            }
        }
    }

    @Test func `random text never leads beyond the end`() {
        var random = SplitMix64(seed: 4)
        let pieces = ["bytes=", "0", "5", "9", "10", "-", "-", ",", " ", "99999999999999999999", "=", "x", "\u{301}"]
        for _ in 0..<10_000 {
            let text = "bytes=" + (0..<6).map { _ in pieces.randomElement(using: &random)! }.joined()
            guard case .parts(let ranges) = ByteRanges(text, length: 10) else { continue }
            for range in ranges {
                #expect(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= 10, "\(text)")
            }
        }
    }
}
