import NIOCore
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct RESPParserTests {
    private static let values: [(String, RESPValue)] = [
        ("+OK\r\n", .simple("OK")),
        ("+\r\n", .simple("")),
        ("-ERR unknown command\r\n", .error(RESPError("ERR unknown command"))),
        ("-LOADING\r\n", .error(RESPError("LOADING"))),
        (":0\r\n", .integer(0)),
        (":-1\r\n", .integer(-1)),
        (":9223372036854775807\r\n", .integer(.max)),
        (":-9223372036854775808\r\n", .integer(.min)),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("$0\r\n\r\n", .bulk("")),
        ("$4\r\n\r\n\r\n\r\n", .bulk("\r\n\r\n")),
        ("$5\r\nhello\r\n", .bulk("hello")),
        ("*0\r\n", .array([])),
        ("*1\r\n*0\r\n", .array([.array([])])),
        (
            "*3\r\n:1\r\n*2\r\n$-1\r\n+a\r\n$1\r\nb\r\n",
            .array([.integer(1), .array([.null, .simple("a")]), .bulk("b")])
        ),
        (
            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:8\r\n",
            (0..<8).reduce(.integer(8)) { value, _ in .array([value]) }
        ),
    ]

    @Test(arguments: values) func `each kind of value is read, wherever its bytes are cut`(
        _ text: String, _ value: RESPValue
    ) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            let (values, violation) = RESPText.parse([bytes[..<cut], bytes[cut...]])
            #expect(values == [value] && violation == nil, "cut at \(cut)")
        }
        let singly = RESPText.parse(bytes.indices.map { bytes[$0...$0] })
        #expect(singly.values == [value] && singly.violation == nil)
    }

    @Test func `an unfinished value is not given`() {
        for (text, _) in Self.values {
            let bytes = Array(text.utf8)
            for count in 0..<bytes.count {
                let (values, violation) = RESPText.parse([bytes[..<count]])
                #expect(values.isEmpty && violation == nil, "\(text.debugDescription) up to \(count)")
            }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 400\r\n", RESPViolation.unknownType(0x48)), ("\r\n", .unknownType(13)),
        ("%1\r\n", .unknownType(0x25)),
        ("+a\rb\r\n", .bareLineEnd), ("+a\nb\r\n", .bareLineEnd), (":1\n", .bareLineEnd),
        (":\r\n", .badInteger), (":-\r\n", .badInteger), (":+1\r\n", .badInteger), (":01\r\n", .badInteger),
        (":-0\r\n", .badInteger), (":1 \r\n", .badInteger), (":9223372036854775808\r\n", .badInteger),
        (":-9223372036854775809\r\n", .badInteger), (":99999999999999999999\r\n", .badInteger),
        ("$\r\n", .badBulkLength), ("$-2\r\n", .badBulkLength), ("$a\r\n", .badBulkLength),
        ("$536870913\r\n", .bulkTooLong(536_870_913)), ("$1\r\nab\r\n", .bulkWithoutEnd),
        ("$1\r\na\n\r", .bulkWithoutEnd),
        ("*\r\n", .badArrayLength), ("*-2\r\n", .badArrayLength), ("*9223372036854775807\r\n", .tooManyElements),
        ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*", .nestedTooDeep),
    ])
    func `what is not RESP is refused`(_ text: String, _ expected: RESPViolation) {
        let (values, violation) = RESPText.parse(text)
        #expect(values.isEmpty)
        #expect(violation == expected, "\(text.debugDescription)")
    }

    @Test func `after a violation nothing is read any more`() {
        var parser = RESPParser()
        parser.append(ByteBuffer(string: "+OK\r\n?"))
        #expect(try! parser.next() == .simple("OK"))
        for _ in 0..<2 {
            #expect(throws: RESPViolation.unknownType(0x3F)) { try parser.next() }
            parser.append(ByteBuffer(string: "+OK\r\n"))
        }
    }

    @Test func `limits are settable, and what is at the limit passes`() {
        var limits = RESPParser.Limits()
        limits.bulkLength = 3
        limits.elements = 4
        limits.depth = 2
        limits.lineLength = 5
        for (text, violation) in [
            ("$3\r\nabc\r\n", nil), ("$4\r\nabcd\r\n", .bulkTooLong(4)),
            ("*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n", nil), ("*5\r\n", .tooManyElements),
            ("*2\r\n*2\r\n:1\r\n:1\r\n:1\r\n", nil), ("*2\r\n*3\r\n", .tooManyElements),
            ("*1\r\n*1\r\n:1\r\n", nil), ("*1\r\n*1\r\n*0\r\n", .nestedTooDeep),
            ("+12345\r\n", nil), ("+123456\r\n", .lineTooLong), ("+123456", .lineTooLong),
        ] as [(String, RESPViolation?)] {
            // Twice: what one value held does not count for the next.
            let (values, found) = RESPText.parse(violation == nil ? text + text : text, limits)
            #expect(found == violation, "\(text.debugDescription)")
            #expect(values.count == (violation == nil ? 2 : 0))
        }
    }

    @Test(arguments: 0..<200) func `random values come back, however their bytes are cut`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let values = (0..<20).map { _ in random.value() }
        let bytes = values.flatMap { RESPText.bytes(of: $0) }
        let parsed = RESPText.parse(random.cut(bytes))
        #expect(parsed.violation == nil)
        #expect(parsed.values == values)
    }

    @Test(arguments: 0..<200) func `random bytes do no harm, and give the same however they are cut`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<20 {
            let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random)
                    : Array("+-:$*\r\n0123".utf8).randomElement(using: &random)!
            }
            let whole = RESPText.parse([bytes[...]])
            let cut = RESPText.parse(random.cut(bytes))
            #expect(whole.values == cut.values)
            #expect(whole.violation == cut.violation)
        }
    }

    @Test func `a long value in small pieces is copied a few times, not once per piece`() throws {
        let (count, size) = (20_000, 1000)
        var parser = RESPParser()
        parser.append(ByteBuffer(string: "*2\r\n$\(count * size)\r\n"))
        let piece = ByteBuffer(repeating: 0x61, count: size)
        // Copied per piece it would be 200 GB.
        for _ in 0..<count {
            parser.append(piece)
            #expect(try parser.next() == nil)
        }
        parser.append(ByteBuffer(string: "\r\n:7\r\n"))
        guard case .array(let parts) = try parser.next(), case .bulkString(let bytes) = parts[0] else {
            Issue.record("no array")
            return
        }
        #expect(bytes.readableBytes == count * size)
        #expect(parts[1] == .integer(7))
    }

    @Test func `what was given stays as it was`() throws {
        var parser = RESPParser()
        var held: [RESPValue] = []
        for number in 0..<1000 {
            parser.append(ByteBuffer(string: "$4\r\n\(number + 1000)\r\n$4\r\n"))
            held.append(try #require(try parser.next()))
            #expect(try parser.next() == nil)
            parser.append(ByteBuffer(string: "\(number + 2000)\r\n"))
            held.append(try #require(try parser.next()))
        }
        #expect(held == (0..<1000).flatMap { [.bulk("\($0 + 1000)"), .bulk("\($0 + 2000)")] })
    }
}
