import PubSub
import TestKit
import Testing

@Suite struct PublicationIDTests {
    @Test(arguments: ["a", "0", "Z9", "1f.2_3", "....", "_", String(repeating: "e", count: 100)])
    func `what is written reads back`(epoch: String) throws {
        for sequence in [1, 2, 9, 10, 99, 1 << 32, UInt64.max - 1, .max] as [UInt64] {
            let id = PublicationID(epoch: epoch, sequence: sequence)
            #expect(id.description == "\(epoch)-\(sequence)")
            let read = try #require(PublicationID(id.description))
            #expect(read == id)
            #expect(read.epoch == epoch)
            #expect(read.sequence == sequence)
        }
    }

    @Test func `ids of other epochs and other numbers differ`() {
        let id = PublicationID(epoch: "a", sequence: 1)
        #expect(id != PublicationID(epoch: "b", sequence: 1))
        #expect(id != PublicationID(epoch: "a", sequence: 2))
        #expect(id != PublicationID(epoch: "A", sequence: 1))
    }

    @Test(arguments: [
        "", "-", "--", "a", "1", "a-", "-1", "a1", "a_1", "a\u{2013}1",
        "a-0", "a-00", "a-01", "a-+1", "a--1", "a-1-", "a-1a", "a-1.", "a-1.0", "a-1e3", "a-0x1", "a-1_0",
        "a-18446744073709551616", "a-18446744073709551617", "a-99999999999999999999999999",
        "a-\u{661}", "a-\u{FF11}", "a-1\u{301}", "a-\u{301}1", "a-\u{FE0F}1", "a\u{301}-1", "a-\u{BD}",
        " a-1", "a-1 ", "a -1", "a- 1", "a-1\n", "a-1\r\n", "\ta-1", "a-1\0", "\0a-1",
        "a-b-1", "a/b-1", "a:b-1", "a*-1", "a,b-1", "\u{E4}-1", "\u{1F319}-1", "\u{FFFD}-1", "\u{7F}-1", "@-1", "[-1",
        "`-1", "{-1", "a+-1",
    ])
    func `what cannot be ours is refused`(text: String) {
        #expect(PublicationID(text) == nil)
    }

    @Test(arguments: [127, 128, 129, 10_000, 1_000_000]) func `an id of more than 128 bytes is refused`(count: Int) {
        let short = String(repeating: "a", count: count - 2) + "-1"
        #expect(short.utf8.count == count)
        #expect((PublicationID(short) == nil) == (count > 128))
        #expect(PublicationID("a-" + String(repeating: "1", count: count - 2)) == nil)
    }

    @Test(arguments: 0..<200) func `what is read is written the same, whatever it was`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("aZ09._-- 1\u{301}\u{661}".unicodeScalars)
        for _ in 0..<100 {
            var text = ""
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                text.unicodeScalars.append(alphabet.randomElement(using: &random)!)
            }
            if let id = PublicationID(text) { #expect(Array(id.description.utf8) == Array(text.utf8)) }
        }
    }
}
