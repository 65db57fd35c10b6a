import EventStream
import NIOCore
import TestKit
import Testing

/// What a script sends is what a client parses.
@Suite struct RoundTripTests {
    private static let text = [
        "\r", "\n", "\r\n", "\n\n", ": ", "data: x", "id: 1\n", "\n\nevent: y\n", "retry: 1", "text", " ", "\0", "é",
        "e\u{301}", "🎈",
    ]
    private static let bytes: [[UInt8]] = [
        [0xEF, 0xBB, 0xBF], [0xF0, 0x9F], [0xC3], [0x80], [0xFF], [0xED, 0xA0, 0x80],
    ]
    private static let payload = text.map { Array($0.utf8) } + bytes
    private static let field = payload.filter { !$0.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 } }

    @Test(arguments: 0..<200) func `random events come out as they went in`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var wire = ByteBuffer()
        var expected: [[[UInt8]]] = []
        var lastID: [UInt8] = []
        var retry: Int?
        for _ in 0..<20 {
            let event = randomEvent(&random)
            try event.write(to: &wire)
            lastID = event.id.map(normalised) ?? lastID
            if let new = event.retry { retry = max(0, new) }
            let type = event.type.isEmpty ? Array("message".utf8) : normalised(event.type)
            expected.append([type, event.normalisedData, lastID])
            retry = writeSilence(to: &wire, &random) ?? retry
        }
        var parser = EventParser()
        let chunks = random.chunks(of: Array(wire.readableBytesView), upTo: Int.random(in: 1...100, using: &random))
        let got = chunks.flatMap { parser.feed($0) }
        #expect(got.map { [Array($0.type.utf8), Array($0.data.utf8), Array($0.lastEventID.utf8)] } == expected)
        #expect(parser.reconnectionTime == retry)
        #expect(Array(parser.lastEventID.utf8) == lastID)
    }

    @Test(arguments: 0..<20) func `comments, retries and heartbeats alone dispatch nothing`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var wire = ByteBuffer()
        for _ in 0..<20 { _ = writeSilence(to: &wire, &random) }
        EventEncoder.writeRetry(1, to: &wire)
        var parser = EventParser()
        #expect(parser.feed(wire.readableBytesView).isEmpty)
        #expect(parser.feed("\n\n".utf8).isEmpty)
        #expect(parser.lastEventID == "")
    }

    private func randomEvent(_ random: inout SplitMix64) -> RawEvent {
        RawEvent(
            id: Bool.random(using: &random) ? nil : random.pieces(of: Self.field, upTo: 3),
            type: random.pieces(of: Self.field, upTo: 3),
            data: random.pieces(of: Self.payload, upTo: 12),
            retry: Bool.random(using: &random) ? nil : Int.random(in: -2...10_000, using: &random)
        )
    }

    /// What may stand between events. Returns the reconnection time it named.
    private func writeSilence(to wire: inout ByteBuffer, _ random: inout SplitMix64) -> Int? {
        switch Int.random(in: 0...3, using: &random) {
        case 0: comment(random.pieces(of: Self.payload, upTo: 6), to: &wire)
        case 1: wire.writeImmutableBuffer(EventEncoder.heartbeat)
        case 2:
            let time = Int.random(in: 0...10_000, using: &random)
            EventEncoder.writeRetry(time, to: &wire)
            return time
        default: break
        }
        return nil
    }
}
