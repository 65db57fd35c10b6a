import EventStream
import NIOCore
import PubSub
import TestKit
import Testing

@testable import Redis

@Suite struct PublicationPayloadTests {
    private let channel = try! ChannelName("a")

    private func payload(_ event: OutgoingEvent, head: String = "e-7 3 1700000000000 ") -> ByteBuffer {
        var buffer = ByteBuffer(string: head)
        buffer.writeImmutableBuffer(PublicationPayload.tail(event))
        return buffer
    }

    static let events: [OutgoingEvent] = [
        OutgoingEvent(body: ByteBuffer(string: "data: x\n\n")),
        OutgoingEvent(id: "mine", key: "k", body: ByteBuffer(string: "event: e\ndata: x\n\n")),
        OutgoingEvent(id: "", key: "", body: ByteBuffer(string: "data\n\n")),
        OutgoingEvent(id: "ä 1\u{1F600}", key: "\n 0 1\n", body: ByteBuffer(string: "data: \u{0}\r\n\n")),
        OutgoingEvent(body: ByteBuffer()),
    ]

    @Test(arguments: events) func `a publication comes back as it went`(_ event: OutgoingEvent) throws {
        let read = try #require(PublicationPayload(payload(event), channel: channel))
        #expect(read.milliseconds == 1_700_000_000_000)
        #expect(read.publication.id == PublicationID(epoch: "e", sequence: 7))
        #expect(read.publication.previous == 3)
        #expect(read.publication.ownID == event.id)
        #expect(read.publication.frame.key == event.key)
        let whole = Publication(channel: channel, id: read.publication.id, previous: 3, event: event)
        #expect(read.publication.frame.bytes == whole.frame.bytes)
    }

    @Test(arguments: [
        "", "\n", "e-7 3 1 -1 -1", "e-7 3 1 -1\n", "e-7 3 1 -1 -1 2\n", "e7 3 1 -1 -1\n", "e-0 3 1 -1 -1\n",
        "e-7 x 1 -1 -1\n", "e-7 3 1.5 -1 -1\n", "e-7 3 1 5 -1\nabc", "e-7 3 1 1 9\nabc", "e-7  3 1 -1 -1\n",
        "e-7 3 1 x -1\n", "e-7 3 99999999999999999999 -1 -1\n",
    ])
    func `what no script of ours has written is none`(_ text: String) {
        #expect(PublicationPayload(ByteBuffer(string: text), channel: channel) == nil)
    }

    @Test(arguments: 0..<200) func `damaged bytes never crash`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Array(payload(Self.events[Int(seed) % Self.events.count]).readableBytesView)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        _ = PublicationPayload(ByteBuffer(bytes: bytes), channel: channel)
        _ = PublicationPayload(
            ByteBuffer(bytes: bytes.prefix(Int.random(in: 0...bytes.count, using: &random))), channel: channel)
    }
}
