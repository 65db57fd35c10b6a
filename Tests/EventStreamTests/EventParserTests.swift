import EventStream
import Testing

@Suite struct EventParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let wire: [UInt8]
        let events: [MessageEvent]
        var testDescription: String { name }

        init(_ name: String, _ wire: String, _ events: MessageEvent...) { self.init(name, Array(wire.utf8), events) }

        init(_ name: String, _ wire: [UInt8], _ events: [MessageEvent]) {
            self.name = name
            self.wire = wire
            self.events = events
        }
    }

    static let a = MessageEvent(data: "a")

    static let lines = [
        Case("LF", "data: a\n\n", a),
        Case("CR", "data: a\r\r", a),
        Case("CRLF", "data: a\r\n\r\n", a),
        Case("a mix", "data: a\r\n\ndata: b\r\r\n", a, MessageEvent(data: "b")),
        Case("LFCR ends two lines", "data: a\n\rdata: b\n\n", a, MessageEvent(data: "b")),
        Case("a BOM at the start", "\u{FEFF}data: a\n\n", a),
        Case("a BOM alone on its line", "\u{FEFF}\ndata: a\n\n", a),
        Case("only one BOM is taken off", "\u{FEFF}\u{FEFF}data: a\n\n"),
        Case("a BOM later belongs to the name", "\n\u{FEFF}data: a\n\n"),
        Case("half a BOM belongs to the name", [0xEF, 0xBB] + Array("data: a\n\n".utf8), []),
        Case(
            "other line ends are text", "data: a\u{2028}b\u{85}c\u{0B}d\u{0C}e\n\n",
            MessageEvent(data: "a\u{2028}b\u{85}c\u{0B}d\u{0C}e")),
        Case("blank lines alone", "\n\r\n\r\n\n"),
    ]

    static let fields = [
        Case("no space after the colon", "data:a\n\n", a),
        Case("one space is stripped", "data:  a\n\n", MessageEvent(data: " a")),
        Case("a tab is kept", "data:\ta\n\n", MessageEvent(data: "\ta")),
        Case("a field without a colon is empty", "data\n\n", MessageEvent(data: "")),
        Case("two of them are a line end", "data\ndata\n\n", MessageEvent(data: "\n")),
        Case("empty data is dispatched", "data:\n\n", MessageEvent(data: "")),
        Case("data of a space", "data: \n\n", MessageEvent(data: "")),
        Case("data of two lines", "data: a\ndata: b\n\n", MessageEvent(data: "a\nb")),
        Case("data ending in a line end", "data: a\ndata:\n\n", MessageEvent(data: "a\n")),
        Case("a second colon belongs to the value", "data: a: b\n\n", MessageEvent(data: "a: b")),
        Case("names are case sensitive", "Data: a\nDATA: a\n\n"),
        Case("names are not trimmed", " data: a\ndata : a\n\n"),
        Case("an unknown field", "dat: a\ndatas: b\nx\n\n"),
        Case("comments", ": x\ndata: a\n:\n:data: b\n\n", a),
        Case("NUL in the data", "data: a\0b\n\n", MessageEvent(data: "a\0b")),
        Case(
            "not UTF-8", Array("data: ".utf8) + [0xFF, 0xE2, 0x82, 0x0A, 0x0A], [MessageEvent(data: "\u{FFFD}\u{FFFD}")]
        ),
    ]

    static let events = [
        Case("a type", "event: t\ndata: a\n\n", MessageEvent(type: "t", data: "a")),
        Case("the last type counts", "event: s\nevent: t\ndata: a\n\n", MessageEvent(type: "t", data: "a")),
        Case("an empty type is a message", "event: t\nevent:\ndata: a\n\n", a),
        Case("a type is for one event", "event: t\ndata: a\n\ndata: a\n\n", MessageEvent(type: "t", data: "a"), a),
        Case("no data, no event, and the type is forgotten", "event: t\n\ndata: a\n\n", a),
        Case(
            "an id is remembered", "id: 1\ndata: a\n\ndata: a\n\n", MessageEvent(data: "a", lastEventID: "1"),
            MessageEvent(data: "a", lastEventID: "1")),
        Case("an id without data is remembered", "id: 1\n\ndata: a\n\n", MessageEvent(data: "a", lastEventID: "1")),
        Case("an empty id forgets", "id: 1\n\nid\ndata: a\n\n", a),
        Case("an id with NUL is ignored", "id: 1\nid: 2\0\ndata: a\n\n", MessageEvent(data: "a", lastEventID: "1")),
        Case("an unfinished event is dropped", "data: a\n\ndata: b\n", a),
        Case("an unfinished line is dropped", "data: a\n\ndata: b", a),
        Case(
            "the first example of the standard", "data: YHOO\ndata: +2\ndata: 10\n\n",
            MessageEvent(data: "YHOO\n+2\n10")),
        Case(
            "the second example of the standard",
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
            MessageEvent(data: "first event", lastEventID: "1"), MessageEvent(data: "second event")
        ),
        Case(
            "the third example of the standard", "data\n\ndata\ndata\n\ndata:", MessageEvent(data: ""),
            MessageEvent(data: "\n")),
        Case(
            "the fourth example of the standard", "data:test\n\ndata: test\n\n", MessageEvent(data: "test"),
            MessageEvent(data: "test")),
    ]

    @Test(arguments: lines + fields + events) func `a stream is read as the standard says`(_ example: Case) {
        var parser = EventParser()
        #expect(parser.feed(example.wire) == example.events)
    }

    @Test(arguments: lines + fields + events) func `it does not matter where it is cut`(_ example: Case) {
        for cut in 0...example.wire.count {
            var parser = EventParser()
            let events = parser.feed(example.wire[..<cut]) + parser.feed([]) + parser.feed(example.wire[cut...])
            #expect(events == example.events, "cut at \(cut)")
        }
        var parser = EventParser()
        #expect(example.wire.flatMap { parser.feed([$0]) } == example.events)
    }

    @Test(
        arguments: [
            ("retry: 1500\n", 1500), ("retry:0\n", 0), ("retry: 007\n", 7), ("retry: 1\nretry: 2\n", 2),
            ("retry: 1\nretry: x\n", 1), ("retry: 5", nil), ("retry\n", nil), ("retry:\n", nil), ("retry: -1\n", nil),
            ("retry: +1\n", nil), ("retry: 1.5\n", nil), ("retry:  1\n", nil), ("retry: 1 \n", nil),
            ("retry: ١\n", nil),
            ("retry: 99999999999999999999\n", nil),
        ] as [(String, Int?)])
    func `a retry is digits and nothing else`(_ wire: String, _ time: Int?) {
        var parser = EventParser()
        #expect(parser.feed(wire.utf8).isEmpty)
        #expect(parser.reconnectionTime == time)
    }

    @Test func `the last event id waits for the end of its event`() {
        var parser = EventParser()
        _ = parser.feed("id: 1\ndata: a\n".utf8)
        #expect(parser.lastEventID == "")
        _ = parser.feed("\n".utf8)
        #expect(parser.lastEventID == "1")
    }

    @Test func `comments are kept without their colon`() {
        var parser = EventParser()
        _ = parser.feed(":\n: a\n:b\n".utf8)
        #expect(parser.comments == ["", " a", "b"])
    }

    @Test func `comments are not kept where nobody wants them`() {
        var parser = EventParser(keepsComments: false)
        _ = parser.feed(":\n: a\n".utf8)
        #expect(parser.comments == [])
    }

    @Test func `the id of an earlier connection holds until there is another`() {
        var parser = EventParser(lastEventID: "7")
        #expect(parser.lastEventID == "7")
        #expect(parser.feed("data: a\n\nid: 8\n".utf8) == [MessageEvent(data: "a", lastEventID: "7")])
        #expect(parser.feed("data: b\n\n".utf8) == [MessageEvent(data: "b", lastEventID: "8")])
    }

    @Test(arguments: [
        ("data: 45678\n\n", 1, false), ("data: 456789\n\n", 1, false), ("data: 4567890\n\n", 0, true),
        ("data: 1\ndata: 2\n\n", 1, false), ("data: 1\ndata: 2345\n\n", 1, false),
        ("data: 1\ndata: 23456\n\n", 0, true),
        ("data:1\n\ndata: 1\n\ndata: 1\n\n", 3, false), (": 34567890123\ndata: a\n\n", 0, true),
        ("data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\n\n", 0, true),
        ("data: a\n\n1234567890123\ndata: b\n\n", 1, true),
    ])
    func `a line with the data before it has a limit, behind which nothing is taken`(
        wire: String, events: Int, isOver: Bool
    ) {
        var parser = EventParser(maxEventBytes: 12)
        #expect(parser.feed(wire.utf8).count == events)
        #expect(parser.isOverLimit == isOver)
        #expect(parser.feed("\n\ndata: c\n\n".utf8).count == (isOver ? 0 : 1))
    }
}
