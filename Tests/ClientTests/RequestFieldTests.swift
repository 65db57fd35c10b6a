import Client
import Testing

@Suite struct RequestFieldTests {
    @Test(arguments: [
        ("A: b", "A", "b"), ("A:b", "A", "b"), ("A:", "A", ""), ("A:  b: c \t", "A", "b: c"),
        ("X-Token!#: ü", "X-Token!#", "ü"), ("Host: other", "Host", "other"),
    ])
    func `a field is a name and a value`(text: String, name: String, value: String) throws {
        let field = try RequestField(text)
        #expect(field.name == name)
        #expect(field.value == value)
    }

    @Test(arguments: [
        "", "A", ": b", "A b: c", "A : b", "Ä: b", "A: b\r\nC: d", "A: b\nC: d", "A\n: b", "A: \0", "A: \u{1B}",
        "Content-Length: 5", "transfer-encoding: chunked", "Connection: close", "TE: trailers",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: RequestField.Invalid.self) { try RequestField(text) }
    }
}
