import EventStream
import TestKit
import Testing

/// Streams of nobody's making.
@Suite struct RandomStreamTests {
    private static let text = [
        "\r", "\n", "\r\n", "\n\n", ":", ": ", "data", "data:", "data: ", "id", "id: ", "event: ", "retry: ", "7", "x",
        " ",
    ]
    private static let bytes: [[UInt8]] = [
        [0], [0xEF, 0xBB, 0xBF], [0xEF, 0xBB], [0xE2, 0x82], [0x80], [0xFF], [0xC3, 0xA9],
    ]
    private static let pieces = text.map { Array($0.utf8) } + bytes

    @Test(arguments: 0..<200) func `random pieces are read as the standard says, however they are cut`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = random.pieces(of: Self.pieces, upTo: 120)
        compare(bytes, &random)
    }

    @Test(arguments: 0..<100) func `so are random bytes`(_ seed: UInt64) {
        var random = SplitMix64(seed: ~seed)
        let count = Int.random(in: 0...2000, using: &random)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        compare(bytes, &random)
    }

    private func compare(_ bytes: [UInt8], _ random: inout SplitMix64) {
        let reference = ReferenceParser(bytes)
        var whole = EventParser()
        #expect(exact(whole.feed(bytes)) == exact(reference.events), "\(bytes)")
        #expect(whole.lastEventID.utf8.elementsEqual(reference.lastEventID.utf8))
        #expect(whole.reconnectionTime == reference.reconnectionTime)

        var cut = EventParser()
        let chunks = random.chunks(of: bytes, upTo: Int.random(in: 1...9, using: &random))
        #expect(exact(chunks.flatMap { cut.feed($0) }) == exact(reference.events), "\(chunks)")
        #expect(cut.lastEventID.utf8.elementsEqual(whole.lastEventID.utf8))
        #expect(cut.reconnectionTime == whole.reconnectionTime)
        #expect(cut.comments == whole.comments)
    }

    /// Strings compare equal that are not byte by byte.
    private func exact(_ events: [MessageEvent]) -> [[[UInt8]]] {
        events.map { [Array($0.type.utf8), Array($0.data.utf8), Array($0.lastEventID.utf8)] }
    }
}
