import NIOCore
import Testing

@testable import HTTP

/// `multipart/form-data` (RFC 7578), part by part.
@Suite struct MultipartFormTests {
    private static let type = "multipart/form-data; boundary=b"

    private func parse(_ body: String, limits: Form.Limits = Form.Limits()) -> Result<[Form.Field], FormError> {
        FormRequest.parse(Array(body.utf8), type: Self.type, limits: limits)
    }

    /// What a form of one part with these headers comes to.
    private func part(_ headers: String, _ value: String = "v") -> Result<[Form.Field], FormError> {
        parse("--b\r\n\(headers)\r\n\r\n\(value)\r\n--b--\r\n")
    }

    private func field(_ name: String, _ value: String) -> Form.Field {
        Form.Field(name: Array(name.utf8), value: ByteBuffer(string: value))
    }

    private func file(_ name: String, _ fileName: String, _ type: String, _ value: String) -> Form.Field {
        let file = Form.File(name: Array(fileName.utf8), contentType: type)
        return Form.Field(name: Array(name.utf8), value: ByteBuffer(string: value), file: file)
    }

    @Test func `a browser's form is read`() {
        let body = """
            ------WebKitFormBoundaryA
            Content-Disposition: form-data; name="title"

            Grüße
            ------WebKitFormBoundaryA
            Content-Disposition: form-data; name="photo"; filename="día \\1.png"
            Content-Type: image/png

            \u{89}PNG
            ------WebKitFormBoundaryA
            Content-Disposition: form-data; name="none"; filename=""
            Content-Type: application/octet-stream


            ------WebKitFormBoundaryA--

            """
        let found = FormRequest.parse(
            Array(body.replacing("\n", with: "\r\n").utf8),
            type: "multipart/form-data; boundary=----WebKitFormBoundaryA")
        #expect(
            found
                == .success([
                    field("title", "Grüße"), file("photo", "1.png", "image/png", "\u{89}PNG"),
                    file("none", "", "application/octet-stream", ""),
                ]))
    }

    @Test func `a value is any bytes`() throws {
        let head = Array("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".utf8)
        for value in [Array(UInt8.min ... .max), [], [0x0D], [0x0A], Array("\r\n".utf8), Array("\r\n--".utf8), [0xFF]] {
            let found = FormRequest.parse(head + value + Array("\r\n--b--".utf8), type: Self.type)
            #expect(try found.get().map { Array($0.value.readableBytesView) } == [value])
        }
    }

    @Test(arguments: [
        "--b--", "--b--\r\n", "--b-- \t", "--b-- \r\n", "--b--\r\nepilogue", "preamble\r\n--b--", "\r\n--b--\r\n",
        "-\r\n--b--",
    ])
    func `a form without fields is empty, whatever stands around it`(body: String) {
        #expect(parse(body) == .success([]))
    }

    @Test func `an empty value may do without a line end of its own`() {
        #expect(
            parse("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--") == .success([field("a", "")]))
    }

    @Test(arguments: [
        "", "-", "--", "b", "--c--", "a=1&b=2", "\n--b--", "x--b--", "\r\n-b", "--B\r\n",
    ])
    func `a body without its boundary is refused`(body: String) { #expect(parse(body) == .failure(.boundaryNotFound)) }

    @Test(arguments: [
        "--b", "--b-", "--b\r", "--b ", "--b\r\n", "--b--\r", "--b-- \r",
        "--b\r\nContent-Disposition: form-data; name=a",
        "--b\r\nContent-Disposition: form-data; name=a\r\n", "--b\r\nContent-Disposition: form-data; name=a\r\n\r",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--b",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\n--b--",
    ])
    func `a cut body is refused`(body: String) { #expect(parse(body) == .failure(.cut)) }

    @Test(arguments: [
        "--bb\r\n", "--b\n", "--bx", "--b-x", "--b-\r\n", "--b--x", "--b--\n", "--b---", "--b x\r\n", "--b\rx",
        "--b --\r\n", "--b\nContent-Disposition: form-data; name=a\n\nv\n--b--\n",
    ])
    func `a line that only begins with the boundary is refused`(body: String) {
        #expect(parse(body) == .failure(.part(1, .badBoundaryLine)))
        let first = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n"
        #expect(parse(first + body) == .failure(.part(2, .badBoundaryLine)))
    }

    // MARK: headers

    @Test(arguments: [
        "Content-Disposition: form-data; name=\"a\"", "content-disposition:form-data;name=a",
        "CONTENT-DISPOSITION: FORM-DATA; NAME=a", "Content-Disposition:\t form-data ; name=\"a\" ; ",
        "Content-Disposition: form-data; x=\"y;name=z\"; name=\"a\"",
        "X-Other: Content-Disposition: form-data; name=z\r\nContent-Disposition: form-data; name=a",
        "Content-Disposition: form-data; name=a\r\nX-Empty:\r\nX-Empty:",
        "Content-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset=iso-8859-1",
        "Content-Disposition: form-data; name=a\r\nContent-Type:",
        "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: Binary",
        "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: 8bit",
        "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: 7BIT",
        "Content-Disposition: form-data; name=a\r\nContent-Length: 4711",
        "Content-Disposition: form-data; name=a\r\nContent-Length: nonsense\r\nContent-Length: 0",
    ])
    func `a field is read whatever the form of its headers`(headers: String) {
        #expect(part(headers) == .success([field("a", "v")]))
    }

    @Test(
        arguments: [
            ("", .noDisposition),
            ("X-Other: a", .noDisposition),
            ("Content-Disposition: form-data", .noName),
            ("Content-Disposition: form-data;", .noName),
            ("Content-Disposition: form-data; filename=\"a\"", .noName),
            ("Content-Disposition: form-data; name*=UTF-8''a", .noName),
            ("Content-Disposition: attachment; name=a", .notFormData),
            ("Content-Disposition: file; name=a", .notFormData),
            ("Content-Disposition:", .badDisposition),
            ("Content-Disposition: ; name=a", .badDisposition),
            ("Content-Disposition: form-data name=a", .badDisposition),
            ("Content-Disposition: form-data; name", .badDisposition),
            ("Content-Disposition: form-data; name=", .badDisposition),
            ("Content-Disposition: form-data; name =a", .badDisposition),
            ("Content-Disposition: form-data; name=a b", .badDisposition),
            ("Content-Disposition: form-data; name=\"a", .badDisposition),
            ("Content-Disposition: form-data; name=\"a\\\"", .badDisposition),
            ("Content-Disposition: form-data; name=\"a\"b", .badDisposition),
            ("Content-Disposition: form-data; name=a; name=b", .badDisposition),
            ("Content-Disposition: form-data; name=a; Name=a", .badDisposition),
            ("Content-Disposition: form-data; name=a; filename=a; filename=b", .badDisposition),
            (
                "Content-Disposition: form-data; name=a\r\ncontent-disposition: form-data; name=b",
                .repeatedHeader("Content-Disposition")
            ),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/b",
                .repeatedHeader("Content-Type")
            ),
            ("Content-Disposition: form-data; name=a\r\nContent-Type: a b", .badContentType),
            ("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c", .nested),
            (
                "Content-Disposition: form-data; name=a; filename=c\r\nContent-Type: Multipart/Mixed; boundary=c",
                .nested
            ),
            ("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/form-data; boundary=b", .nested),
            ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", .encoded),
            ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable", .encoded),
            ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding:", .encoded),
            ("nonsense", .badHeader),
            (":", .badHeader),
            (": a", .badHeader),
            ("X Y: a", .badHeader),
            ("X-Y : a", .badHeader),
            ("X-É: a", .badHeader),
            ("Content-Disposition: form-data;\r\n name=a", .badHeader),
            ("Content-Disposition: form-data; name=a\nContent-Type: a/b", .badHeader),
            ("Content-Disposition: form-data; name=a\rb", .badHeader),
            ("Content-Disposition: form-data; name=\"a\0\"", .badHeader),
            ("Content-Disposition: form-data; name=\"\u{7F}\"", .badHeader),
            ("Content-Disposition: form-data; name=\"\u{1B}[1m\"", .badHeader),
            ("Content-Disposition: form-data; name=a\r\n--b", .badHeader),
        ] as [(String, FormError.PartFault)])
    func `a part that two readers could take for two things is refused`(headers: String, fault: FormError.PartFault) {
        #expect(part(headers) == .failure(.part(1, fault)))
        let first = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n"
        #expect(parse("\(first)--b\r\n\(headers)\r\n\r\nv\r\n--b--") == .failure(.part(2, fault)))
    }

    @Test func `a boundary with a colon is not taken for a header`() {
        let body = "--b:c\r\nContent-Disposition: form-data; name=a\r\n--b:c\r\n\r\nv\r\n--b:c--"
        let found = FormRequest.parse(Array(body.utf8), type: "multipart/form-data; boundary=\"b:c\"")
        #expect(found == .failure(.part(1, .badHeader)))
    }

    // MARK: names

    @Test(arguments: [
        (#""""#, ""), (#""a b""#, "a b"), (#""é€🌙""#, "é€🌙"), (#""a%22b""#, #"a"b"#), (#""a\"b""#, #"a"b"#),
        (#""%0D%0A""#, "\r\n"), (#""%0d%0a""#, "\r\n"), (#""100%""#, "100%"), (#""%2""#, "%2"),
        (#""%41%2522""#, "%41%2522"),
        (#""a\\b""#, #"a\b"#), (#""a\b""#, #"a\b"#), (#""a;b=c""#, "a;b=c"), ("a'b", "a'b"), ("é", "é"),
        (#""a[]""#, "a[]"),
        (#""a\\""#, #"a\"#), (#""=?UTF-8?B?4oKs?=""#, "=?UTF-8?B?4oKs?="),
    ])
    func `a name is as the client means it`(written: String, name: String) throws {
        let fields = try part("Content-Disposition: form-data; name=\(written)").get()
        #expect(fields.map { Array($0.name) } == [Array(name.utf8)])
        let files = try part("Content-Disposition: form-data; filename=x; name=\(written)").get()
        #expect(files.map { Array($0.name) } == [Array(name.utf8)])
    }

    @Test func `names are bytes`() throws {
        let body =
            Array("--b\r\nContent-Disposition: form-data; name=\"".utf8) + [0xFF, 0xE9]
            + Array("\"; filename=\"".utf8) + [0xE9, 0x2F, 0xE8] + Array("\"\r\n\r\n\r\n--b--".utf8)
        let fields = try FormRequest.parse(body, type: Self.type).get()
        #expect(fields.map(\.name) == [[0xFF, 0xE9]])
        #expect(fields.map(\.file?.name) == [[0xE8]])
    }

    @Test(arguments: [
        (#"filename="a.txt""#, "a.txt"), ("filename=a.txt", "a.txt"), (#"filename="""#, ""), (#"FileName="a""#, "a"),
        (#"filename="a%22b.txt""#, #"a"b.txt"#), (#"filename="a\"b.txt""#, #"a"b.txt"#),
        (#"filename="/etc/passwd""#, "passwd"), (#"filename="../../x""#, "x"), (#"filename="..\..\x""#, "x"),
        (#"filename="C:\Users\ann\photo.png""#, "photo.png"), (#"filename="\\server\share\a""#, "a"),
        (#"filename="a/""#, ""), (#"filename="..""#, ""), (#"filename="a/..""#, ""), (#"filename="a\.""#, ""),
        (#"filename="...""#, "..."), (#"filename=".profile""#, ".profile"), (#"filename="a%2Fb""#, "a%2Fb"),
        ("filename*=UTF-8''a.txt", "a.txt"), ("filename*=utf-8'en'%e2%82%ac%20rates.txt", "€ rates.txt"),
        ("filename*=ISO-8859-1''%e9t%E9", "été"), ("filename*=UTF-8''..%2F..%5Cx%2fy", "y"),
        ("filename*=UTF-8''", ""), ("filename*=\"UTF-8''quoted\"", "quoted"), ("filename*=UTF-8''it's", "it's"),
        (#"filename="plain"; filename*=UTF-8''%E2%82%AC"#, "€"),
        (#"filename*=UTF-8''%E2%82%AC; filename="plain""#, "€"),
    ])
    func `a file's name comes without a path`(written: String, name: String) {
        let found = part("Content-Disposition: form-data; name=a; \(written)\r\nContent-Type: a/b")
        #expect(found == .success([file("a", name, "a/b", "v")]))
    }

    @Test(arguments: [
        "filename*=a.txt", "filename*=UTF-8'a.txt", "filename*=''a.txt", "filename*=UTF-16''a", "filename*=UTF-8''%",
        "filename*=UTF-8''%e", "filename*=UTF-8''%zz", "filename*=UTF-8''a%00.txt", "filename=a; filename*=x",
    ])
    func `an extended file name that cannot be read is refused`(written: String) {
        let found = part("Content-Disposition: form-data; name=a; \(written)")
        #expect(found == .failure(.part(1, .badExtendedFileName)))
    }

    @Test(arguments: [
        ("", "text/plain"), ("\r\nContent-Type:", "text/plain"), ("\r\nContent-Type: image/PNG", "image/PNG"),
        ("\r\nContent-Type: text/html; charset=\"utf-8\" ", "text/html; charset=\"utf-8\""),
        ("\r\nContent-Type: multipart/related; boundary=c", "multipart/related; boundary=c"),
    ])
    func `a file's type is the client's, or text/plain`(header: String, type: String) {
        let found = part("Content-Disposition: form-data; name=a; filename=f\(header)")
        #expect(found == .success([file("a", "f", type, "v")]))
    }

    // MARK: limits

    @Test func `a thousand parts are taken and no more`() throws {
        let one = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n"
        let most = String(repeating: one, count: 1000)
        #expect(try parse(most + "--b--").get().count == 1000)
        #expect(parse(most + one + "--b--") == .failure(.tooManyFields(limit: 1000)))
        #expect(parse(one + one + "--b--", limits: .init(maxFields: 1)) == .failure(.tooManyFields(limit: 1)))
    }

    @Test func `a part's headers may be 8 KiB and no longer`() throws {
        let start = "Content-Disposition: form-data; name=a\r\nX-Long: "
        // The CR of the empty line is the last byte that may count.
        let filling = String(repeating: "x", count: (8 << 10) - start.utf8.count - 3)
        #expect(part(start + filling) == .success([field("a", "v")]))
        #expect(part(start + filling + "x") == .failure(.part(1, .headersTooLong(limit: 8 << 10))))
        #expect(part(String(repeating: "X: y\r\n", count: 4000)) == .failure(.part(1, .headersTooLong(limit: 8 << 10))))
        #expect(
            parse("--b\r\n" + String(repeating: "x", count: 9000)) == .failure(.part(1, .headersTooLong(limit: 8192))))
    }

    @Test func `every error says what is wrong in a sentence of its own`() {
        let faults: [FormError.PartFault] = [
            .badBoundaryLine, .badHeader, .headersTooLong(limit: 9), .repeatedHeader("X"), .noDisposition,
            .badDisposition, .notFormData, .noName, .badExtendedFileName, .badContentType, .nested, .encoded,
        ]
        let errors: [FormError] =
            [
                .noContentType, .repeatedContentType, .badContentType, .otherContentType("a/b"), .noBoundary,
                .badBoundary,
                .boundaryNotFound, .cut, .tooManyFields(limit: 9),
            ] + faults.map { .part(7, $0) }
        let sentences = errors.map(\.description)
        #expect(Set(sentences).count == errors.count)
        #expect(sentences.suffix(faults.count).allSatisfy { $0.hasPrefix("part 7: it") || $0.hasPrefix("part 7: a") })
    }
}
