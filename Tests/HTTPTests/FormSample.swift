import HTTPTypes
import NIOCore
import TestKit

@testable import HTTP

/// A form drawn at random, and what a client would send for it: an encoder of the tests' own.
struct FormSample {
    let fields: [Form.Field]
    let boundary: String
    /// The whole body, up to and with the last boundary's hyphens.
    let body: [UInt8]

    static func draw(from dice: inout SplitMix64) -> FormSample {
        let boundary = String(
            (0..<Int.random(in: 1...70, using: &dice)).map { _ in "abcXYZ019'()+_,-./:=?".randomElement(using: &dice)! }
        )
        var fields: [Form.Field] = []
        var body: [UInt8] = []
        if Bool.random(using: &dice) { body += "a preamble\r\n--\r\n\r\n".utf8 }
        for _ in 0..<Int.random(in: 0...5, using: &dice) {
            let field = drawField(boundary, &dice)
            fields.append(field)
            body += "--\(boundary)\(blanks(&dice))\r\n".utf8
            body += headers(of: field, &dice) + Array("\r\n".utf8) + Array(field.value.readableBytesView)
            body += "\r\n".utf8
        }
        body += "--\(boundary)--".utf8
        return FormSample(fields: fields, boundary: boundary, body: body)
    }

    private static func drawField(_ boundary: String, _ dice: inout SplitMix64) -> Form.Field {
        let file =
            Bool.random(using: &dice)
            ? nil
            : Form.File(
                name: drawName(&dice).filter { $0 != UInt8(ascii: "/") },
                contentType: ["text/plain", "image/png", #"text/html; charset="utf-8""#].randomElement(using: &dice)!)
        return Form.Field(name: drawName(&dice), value: ByteBuffer(bytes: drawValue(boundary, &dice)), file: file)
    }

    /// Any bytes but control characters other than CR and LF, and backslashes, which some clients mean as an escape.
    private static func drawName(_ dice: inout SplitMix64) -> [UInt8] {
        let likely = Array("ab \"%;=:'\r\n/é€".utf8)
        let name = (0..<Int.random(in: 0...12, using: &dice)).map { _ in
            Int.random(in: 0..<4, using: &dice) > 0
                ? likely.randomElement(using: &dice)! : UInt8.random(in: 0x80...0xFF, using: &dice)
        }
        // What looks like an escape would be read as one.
        return contains(name, "%22".utf8) || contains(name, "%0".utf8) ? [] : name
    }

    /// Any bytes that do not hold the delimiter, most of them such as come close to it.
    private static func drawValue(_ boundary: String, _ dice: inout SplitMix64) -> [UInt8] {
        let delimiter = Array("\r\n--\(boundary)".utf8)
        var value: [UInt8] = []
        for _ in 0..<Int.random(in: 0...20, using: &dice) {
            switch Int.random(in: 0..<4, using: &dice) {
            case 0: value += delimiter.prefix(Int.random(in: 0..<delimiter.count, using: &dice))
            case 1: value += delimiter.suffix(Int.random(in: 0..<delimiter.count, using: &dice))
            case 2: value += "\r\n".utf8
            default: value.append(UInt8.random(in: .min ... .max, using: &dice))
            }
        }
        // Behind the headers' empty line, two hyphens and the boundary are a delimiter too.
        return contains(Array("\r\n".utf8) + value + Array("\r\n--".utf8), delimiter) ? [] : value
    }

    private static func contains(_ bytes: [UInt8], _ wanted: some Collection<UInt8>) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: wanted) }
    }

    private static func blanks(_ dice: inout SplitMix64) -> String {
        ["", "", " ", "\t "].randomElement(using: &dice)!
    }

    private static func headers(of field: Form.Field, _ dice: inout SplitMix64) -> [UInt8] {
        var disposition = Array("\(drawCase("Content-Disposition", &dice)):\(blanks(&dice))form-data; name=\"".utf8)
        disposition += escaped(field.name) + Array("\"".utf8)
        if let file = field.file {
            disposition += Array("; filename=\"".utf8) + escaped(file.name) + Array("\"".utf8)
        }
        var lines = [disposition]
        if let file = field.file, file.contentType != "text/plain" || Bool.random(using: &dice) {
            lines.append(Array("\(drawCase("Content-Type", &dice)): \(file.contentType)\(blanks(&dice))".utf8))
        }
        if Bool.random(using: &dice) { lines.append(Array("X-Own: form-data; name=\"other\"".utf8)) }
        if Bool.random(using: &dice) { lines.append(Array("Content-Length: 7".utf8)) }
        lines.shuffle(using: &dice)
        return lines.flatMap { $0 + Array("\r\n".utf8) }
    }

    private static func drawCase(_ name: String, _ dice: inout SplitMix64) -> String {
        [name, name.lowercased(), name.uppercased()].randomElement(using: &dice)!
    }

    /// As browsers do.
    private static func escaped(_ name: [UInt8]) -> [UInt8] {
        name.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x0D: Array("%0D".utf8)
            case 0x0A: Array("%0A".utf8)
            case UInt8(ascii: "\""): Array("%22".utf8)
            default: [byte]
            }
        }
    }

    /// What the server makes of these bytes under the sample's Content-Type.
    func parse(_ bytes: [UInt8]) -> Result<[Form.Field], FormError> {
        FormRequest.parse(bytes, type: "multipart/form-data; boundary=\"\(boundary)\"")
    }
}

/// A request with a form.
enum FormRequest {
    static func parse(_ body: [UInt8], types: [String], limits: Form.Limits = Form.Limits())
        -> Result<[Form.Field], FormError>
    {
        var headers = HTTPFields()
        for type in types { headers.append(HTTPField(name: .contentType, value: type)) }
        // Behind other bytes, as a body may be that came with its head.
        var buffer = ByteBuffer(bytes: Array("--x\r\n".utf8) + body)
        buffer.moveReaderIndex(forwardBy: 5)
        let target = try! RequestTarget("/")
        let request = Request(method: .post, target: target, headers: headers, body: buffer)
        return Result { () throws(FormError) in try Form(request, limits: limits).fields }
    }

    static func parse(_ body: [UInt8], type: String, limits: Form.Limits = Form.Limits())
        -> Result<[Form.Field], FormError>
    {
        parse(body, types: [type], limits: limits)
    }
}
