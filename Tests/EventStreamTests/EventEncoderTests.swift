import EventStream
import NIOCore
import Testing

@Suite struct EventEncoderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let event: RawEvent
        let wire: String
        var testDescription: String { name }

        init(_ name: String, _ event: RawEvent, _ wire: String) {
            self.name = name
            self.event = event
            self.wire = wire
        }
    }

    static let fields = [
        Case("data only", RawEvent(data: "x"), "data: x\n\n"),
        Case("empty data", RawEvent(data: ""), "data:\n\n"),
        Case("all fields", RawEvent(id: "7", type: "t", data: "x", retry: 3), "id: 7\nevent: t\nretry: 3\ndata: x\n\n"),
        Case("an id", RawEvent(id: "a-1", data: "x"), "id: a-1\ndata: x\n\n"),
        Case("an empty id", RawEvent(id: "", data: "x"), "id:\ndata: x\n\n"),
        Case("an id of a space", RawEvent(id: " ", data: "x"), "id:  \ndata: x\n\n"),
        Case("a type", RawEvent(type: "news", data: "x"), "event: news\ndata: x\n\n"),
        Case("a type with a colon", RawEvent(type: "a: b", data: "x"), "event: a: b\ndata: x\n\n"),
        Case("a type with a leading space", RawEvent(type: " t", data: "x"), "event:  t\ndata: x\n\n"),
        Case("a retry", RawEvent(data: "x", retry: 1500), "retry: 1500\ndata: x\n\n"),
        Case("no retry time", RawEvent(data: "x", retry: 0), "retry: 0\ndata: x\n\n"),
        Case("a negative retry", RawEvent(data: "x", retry: -5), "retry: 0\ndata: x\n\n"),
        Case("the smallest retry", RawEvent(data: "x", retry: .min), "retry: 0\ndata: x\n\n"),
        Case("letters beyond ASCII", RawEvent(id: "é", type: "日", data: "🎈"), "id: é\nevent: 日\ndata: 🎈\n\n"),
    ]

    static let payloads = [
        Case("LF", RawEvent(data: "a\nb"), "data: a\ndata: b\n\n"),
        Case("CR", RawEvent(data: "a\rb"), "data: a\ndata: b\n\n"),
        Case("CRLF", RawEvent(data: "a\r\nb"), "data: a\ndata: b\n\n"),
        Case("LFCR is two ends", RawEvent(data: "a\n\rb"), "data: a\ndata:\ndata: b\n\n"),
        Case("CRCRLF is two ends", RawEvent(data: "a\r\r\nb"), "data: a\ndata:\ndata: b\n\n"),
        Case("trailing LF", RawEvent(data: "a\n"), "data: a\ndata:\n\n"),
        Case("trailing CR", RawEvent(data: "a\r"), "data: a\ndata:\n\n"),
        Case("trailing CRLF", RawEvent(data: "a\r\n"), "data: a\ndata:\n\n"),
        Case("leading LF", RawEvent(data: "\na"), "data:\ndata: a\n\n"),
        Case("only LF", RawEvent(data: "\n"), "data:\ndata:\n\n"),
        Case("only CRLF twice", RawEvent(data: "\r\n\r\n"), "data:\ndata:\ndata:\n\n"),
        Case("leading space", RawEvent(data: " a"), "data:  a\n\n"),
        Case("only a space", RawEvent(data: " "), "data:  \n\n"),
        Case(
            "a forged field", RawEvent(data: "a\nid: 9\n\nretry: 1"),
            "data: a\ndata: id: 9\ndata:\ndata: retry: 1\n\n"),
        Case("a colon", RawEvent(data: ": no comment"), "data: : no comment\n\n"),
        Case("NUL", RawEvent(data: "a\0b"), "data: a\0b\n\n"),
        Case("BOM", RawEvent(data: "\u{FEFF}a\n\u{FEFF}"), "data: \u{FEFF}a\ndata: \u{FEFF}\n\n"),
        Case("LINE SEPARATOR and NEL", RawEvent(data: "a\u{2028}b\u{85}c"), "data: a\u{2028}b\u{85}c\n\n"),
        Case("VT and FF", RawEvent(data: "a\u{0B}b\u{0C}c"), "data: a\u{0B}b\u{0C}c\n\n"),
    ]

    @Test(arguments: fields) func `fields become lines`(_ example: Case) throws {
        #expect(try example.event.wire == Array(example.wire.utf8))
    }

    @Test(arguments: payloads) func `every line of the data becomes a data line`(_ example: Case) throws {
        #expect(try example.event.wire == Array(example.wire.utf8))
    }

    @Test(arguments: fields + payloads) func `an event of strings gives the same bytes`(_ example: Case) throws {
        let raw = example.event
        let event = StreamEvent(
            id: raw.id.map { String(decoding: $0, as: UTF8.self) }, type: String(decoding: raw.type, as: UTF8.self),
            data: String(decoding: raw.data, as: UTF8.self), retry: raw.retry)
        var buffer = ByteBuffer()
        try EventEncoder.write(event, to: &buffer)
        #expect(Array(buffer.readableBytesView) == Array(example.wire.utf8))
    }

    /// The counts of WHATWG Encoding, "UTF-8 decoder": one U+FFFD for each maximal part of a sequence.
    @Test(
        arguments: [
            ([0xFF], "\u{FFFD}"),
            ([0x61, 0x80, 0x62], "a\u{FFFD}b"),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"),
            ([0xC3], "\u{FFFD}"),
            ([0xC3, 0x0A, 0xA9], "\u{FFFD}\ndata: \u{FFFD}"),
            ([0xE2, 0x82], "\u{FFFD}"),
            ([0xE2, 0x82, 0x41], "\u{FFFD}A"),
            ([0xE0, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF0, 0x9F, 0x8E], "\u{FFFD}"),
            ([0xF0, 0x9F, 0x0D, 0x0A, 0x8E], "\u{FFFD}\ndata: \u{FFFD}"),
            ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] as [([UInt8], String)])
    func `what is not UTF-8 becomes U+FFFD in the data`(_ bytes: [UInt8], _ text: String) throws {
        #expect(try RawEvent(data: bytes).wire == Array("data: \(text)\n\n".utf8))
    }

    @Test func `what is not UTF-8 becomes U+FFFD in id and type`() throws {
        let event = RawEvent(id: [0x31, 0xFF], type: [0xE2, 0x82], data: [])
        #expect(try event.wire == Array("id: 1\u{FFFD}\nevent: \u{FFFD}\ndata:\n\n".utf8))
    }

    @Test func `events are appended one behind the other`() throws {
        var buffer = ByteBuffer()
        try RawEvent(data: "a").write(to: &buffer)
        try RawEvent(type: "t", data: "b").write(to: &buffer)
        #expect(String(buffer: buffer) == "data: a\n\nevent: t\ndata: b\n\n")
    }

    @Test func `ten million bytes are one event`() throws {
        let data = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000_000)
        var parser = EventParser()
        let events = parser.feed(try RawEvent(data: data).wire)
        #expect(events.count == 1)
        #expect(events.first?.data.utf8.count == data.count)
    }
}
