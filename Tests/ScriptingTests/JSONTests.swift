import TestKit
import Testing

/// `JSON.encode`, and the two values that JSON has and Lua has not.
@Suite(.timeLimit(.minutes(5))) struct JSONTests {
    @Test(arguments: [
        ("nil", "null"), ("JSON.null", "null"), ("true", "true"), ("false", "false"), ("''", "\"\""), ("'x'", "\"x\""),
        ("{}", "{}"), ("JSON.array{}", "[]"), ("JSON.array()", "[]"), ("JSON.array{ 1, 2 }", "[1,2]"),
        ("{ 1, 'a', true, JSON.null, {}, JSON.array{} }", #"[1,"a",true,null,{},[]]"#),
        ("{ [2] = 'b', [1] = 'a' }", #"["a","b"]"#), ("{ {}, { {} } }", "[{},[{}]]"),
        ("{ a = { b = { 1 } } }", #"{"a":{"b":[1]}}"#), ("{ [''] = 1 }", #"{"":1}"#), ("{ ['1'] = 2 }", #"{"1":2}"#),
        ("{ a = JSON.null }", #"{"a":null}"#), ("{ a = nil }", "{}"), ("{ false }", "[false]"),
    ])
    func `every kind of value has its form`(value: String, json: String) async throws {
        #expect(try await Snippets.run("return JSON.encode(\(value))") == json)
    }

    @Test(arguments: [
        ("0", "0"), ("-7", "-7"), ("1 << 53", "9007199254740992"), ("(1 << 53) + 1", "9007199254740993"),
        ("math.maxinteger", "9223372036854775807"), ("math.mininteger", "-9223372036854775808"), ("6 // 2", "3"),
        ("1.0", "1.0"), ("6 / 2", "3.0"), ("0.1", "0.1"), ("-1.5", "-1.5"), ("1e100", "1e+100"), ("5e-324", "5e-324"),
    ])
    func `integers stay integers and floats stay floats`(value: String, json: String) async throws {
        #expect(try await Snippets.run("return JSON.encode(\(value))") == json)
        let back =
            "local v = JSON.decode(JSON.encode(\(value))) return v == \(value), math.type(v) == math.type(\(value))"
        #expect(try await Snippets.run(back) == "true true")
    }

    @Test(arguments: [
        (#"'"'"#, #""\"""#), (#"'\\'"#, #""\\""#), (#"'\n\r\t'"#, #""\n\r\t""#), (#"'\0'"#, #""\u0000""#),
        (#"'\x1f'"#, #""\u001f""#), (#"'\x7f'"#, "\"\u{7F}\""), ("'/'", #""/""#), ("'é€🌙'", #""é€🌙""#),
        (#"{ ['"\n'] = 1 }"#, #"{"\"\n":1}"#),
    ])
    func `strings are escaped where they must be, and nowhere else`(value: String, json: String) async throws {
        #expect(try await Snippets.run("return JSON.encode(\(value))") == json)
    }

    @Test(arguments: [
        (#"'a\xffb'"#, "\"a\u{FFFD}b\""), (#"'\xc3'"#, "\"\u{FFFD}\""), (#"'\x80é'"#, "\"\u{FFFD}é\""),
        (#"'\xf0\x9f\x8c'"#, "\"\u{FFFD}\""), (#"'\xc0\x80'"#, "\"\u{FFFD}\u{FFFD}\""),
        (#"'\xed\xa0\x80'"#, "\"\u{FFFD}\u{FFFD}\u{FFFD}\""),
        (#"{ ['\xff'] = '\xff"' }"#, "{\"\u{FFFD}\":\"\u{FFFD}\\\"\"}"),
    ])
    func `invalid UTF-8 becomes U+FFFD`(value: String, json: String) async throws {
        #expect(try await Snippets.run("return JSON.encode(\(value))") == json)
    }

    @Test(arguments: [
        ("5", "5"), ("{}", "{}"), ("JSON.array{}", "[]"), ("{ 1, { 2 } }", "[\n  1,\n  [\n    2\n  ]\n]"),
        ("{ a = { b = {} } }", "{\n  \"a\": {\n    \"b\": {}\n  }\n}"), ("{ a = 'x:{,' }", "{\n  \"a\": \"x:{,\"\n}"),
    ])
    func `pretty puts each element on a line of its own`(value: String, json: String) async throws {
        #expect(try await Snippets.run("return JSON.encode(\(value), { pretty = true })") == json)
        let plain = "return JSON.encode(\(value), { pretty = false }) == JSON.encode(\(value), {})"
        #expect(try await Snippets.run(plain) == "true")
    }

    @Test(arguments: [
        ("print", "a function has no form in JSON"), ("{ a = print }", "a function has no form in JSON"),
        ("{ 1, function() end }", "a function has no form in JSON"),
        ("coroutine.create(print)", "a thread has no form in JSON"), ("HTTPServer", "a HTTPServer has no form in JSON"),
        ("{ SSEConnection.new() }", "a SSEConnection has no form in JSON"),
        ("math.huge", "the number inf has no form in JSON"), ("{ -math.huge }", "the number -inf has no form in JSON"),
        ("{ 1, 2, x = 3 }", "a table must be a list (keys 1 to n) or have only string keys; this one has the key x"),
        ("{ [5] = 1 }", "a table must be a list (keys 1 to n) or have only string keys; this one has the key 5"),
        ("{ [0] = 1 }", "a table must be a list (keys 1 to n) or have only string keys; this one has the key 0"),
        ("{ [1.5] = 1 }", "a table must be a list (keys 1 to n) or have only string keys; this one has the key 1.5"),
        ("{ [true] = 1 }", "a table must be a list (keys 1 to n) or have only string keys; this one has the key true"),
        ("{ 1, [0] = 0 }", "a table must be a list (keys 1 to n) or have only string keys; this one has the key 0"),
        (
            "JSON.array{ a = 1 }",
            "a table must be a list (keys 1 to n) or have only string keys; this one has the key a"
        ),
        ("{ 1, nil, 3 }", "a list must have no holes: its length is 3, its elements are 2"),
        ("1, 5", "argument 2 (options) must be a table, got number"),
        ("1, { prety = true }", "unknown option 'prety' (known: pretty)"),
    ])
    func `what JSON cannot say is refused with the reason`(value: String, message: String) async throws {
        let result = try await Snippets.run("local _ =\n1; local text = JSON.encode(\(value)) return text")
        #expect(result == "error: snippet.lua:2: JSON.encode: \(message)")
    }

    @Test(arguments: ["0/0", "-(0/0)", "{ a = { 0/0 } }"])
    func `NaN is refused`(value: String) async throws {
        let result = try await Snippets.run("local text = JSON.encode(\(value)) return text")
        #expect(result.hasPrefix("error: snippet.lua:1: JSON.encode: the number "), "\(result)")
        #expect(result.hasSuffix("nan has no form in JSON"), "\(result)")
    }

    @Test(arguments: [
        "local t = {} t.t = t", "local t = {} t[1] = t", "local t = {} t[1], t[2] = t, t",
        "local t = { a = {} } t.a.b = { t }",
    ])
    func `a cycle is refused`(code: String) async throws {
        let result = try await Snippets.run(code + " local text = JSON.encode(t) return text")
        #expect(result.hasPrefix("error: snippet.lua:1: JSON.encode: "), "\(result)")
        #expect(result.contains("cycle"), "\(result)")
    }

    @Test func `a table that is there twice is no cycle`() async throws {
        let result = try await Snippets.run("local t = { 1 } return JSON.encode({ t, { t, t } })")
        #expect(result == "[[1],[[1],[1]]]")
    }

    @Test func `an error leaves nothing behind`() async throws {
        let code = """
            for _ = 1, 300 do pcall(JSON.encode, { { { a = { print } } } }) JSON.decode('[[[{"a":[') end
            return JSON.encode({ 1 })
            """
        #expect(try await Snippets.run(code) == "[1]")
    }

    @Test func `JSON.null is one value, and true as a condition`() async throws {
        let code = """
            return JSON.null == JSON.null, JSON.decode("null") == JSON.null, JSON.decode("[null]")[1] == JSON.null,
              JSON.decode('{"a":null}').a == JSON.null, JSON.null and true, JSON.null == nil, JSON.null == {}
            """
        #expect(try await Snippets.run(code) == "true true true true true false false")
    }

    @Test func `JSON.array marks the table that it is given, whatever it holds later`() async throws {
        let code = """
            local list = {}
            local same = rawequal(JSON.array(list), list)
            local empty = JSON.encode(list)
            list[1] = "a"
            local one = JSON.encode(list)
            list[1] = nil
            return same, empty, one, JSON.encode(list), #list
            """
        #expect(try await Snippets.run(code) == #"true [] ["a"] [] 0"#)
    }

    @Test func `metamethods of a table are not called`() async throws {
        let code = """
            local function fail() error("called") end
            local meta = { __index = fail, __len = fail, __pairs = fail, __tostring = fail }
            return JSON.encode(setmetatable({ 1, 2 }, meta)), JSON.encode(setmetatable({ a = 1 }, meta))
            """
        #expect(try await Snippets.run(code) == #"[1,2] {"a":1}"#)
    }
}
