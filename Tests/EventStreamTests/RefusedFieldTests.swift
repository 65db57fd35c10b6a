import EventStream
import NIOCore
import Testing

@Suite struct RefusedFieldTests {
    static let forgeries = ["\r", "\n", "\0", "a\rb", "a\nb", "a\0b", "a\r\nid: 1", "a\n", "\n\ndata: x", "é\0"]

    @Test(arguments: forgeries) func `an id with a line end or NUL is refused`(_ id: String) {
        refuse(RawEvent(id: id, type: "t", data: "x", retry: 1), .id)
    }

    @Test(arguments: forgeries) func `a type with a line end or NUL is refused`(_ type: String) {
        refuse(RawEvent(id: "1", type: type, data: "x", retry: 1), .event)
    }

    private func refuse(_ raw: RawEvent, _ field: EventFieldError.Field) {
        var buffer = ByteBuffer(string: "before")
        #expect(throws: EventFieldError(field: field)) { try raw.write(to: &buffer) }
        let event = StreamEvent(
            id: raw.id.map { String(decoding: $0, as: UTF8.self) }, type: String(decoding: raw.type, as: UTF8.self),
            data: "x", retry: 1)
        #expect(throws: EventFieldError(field: field)) { try EventEncoder.write(event, to: &buffer) }
        #expect(String(buffer: buffer) == "before")
    }

    @Test func `of two bad fields the id is named`() {
        var buffer = ByteBuffer()
        #expect(throws: EventFieldError(field: .id)) { try RawEvent(id: "\n", type: "\n", data: "").write(to: &buffer) }
        #expect(buffer.readableBytes == 0)
    }
}
