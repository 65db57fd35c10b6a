import TestKit
import Testing

/// `JSON.decode`, and how deep either way goes.
@Suite(.timeLimit(.minutes(5))) struct JSONDecodeTests {
    /// Runs code in which `v, message` are what decode gives for a text.
    private func decode(_ text: String, _ code: String) async throws -> String {
        try await Snippets.run("local v, message = JSON.decode(\(JSONSample.literal(text.utf8))) \(code)")
    }

    @Test(arguments: [
        ("null", "v == JSON.null"), (" true ", "v == true"), ("false", "v == false and message == nil"),
        ("5", "v == 5 and math.type(v) == 'integer'"), ("-0", "v == 0"), ("-12", "v == -12"),
        ("9223372036854775807", "v == math.maxinteger and math.type(v) == 'integer'"),
        ("-9223372036854775808", "v == math.mininteger and math.type(v) == 'integer'"),
        ("9223372036854775808", "v == 2^63 and math.type(v) == 'float'"),
        ("123456789012345678901234567890", "v == 123456789012345678901234567890.0"),
        ("1.0", "v == 1 and math.type(v) == 'float'"), ("1e2", "v == 100 and math.type(v) == 'float'"),
        ("1E+2", "v == 100"), ("1.5e-3", "v == 0.0015"), ("-0.5", "v == -0.5"), ("0.1", "v == 0.1"), ("0e0", "v == 0"),
        (#""""#, "v == ''"), (#""x""#, "v == 'x'"), ("\"é€🌙\"", "v == 'é€🌙'"), ("\"\u{7F}\"", #"v == '\x7f'"#),
        (#""\"\\\/\b\f\n\r\t""#, #"v == '"\\/\b\f\n\r\t'"#), (#""a\nb""#, #"v == 'a\nb'"#),
        (#""\u0041\u00e9\u20AC""#, "v == 'Aé€'"), (#""\u0000""#, #"v == '\0' and #v == 1"#),
        (#""\ud83c\udf19""#, "v == '🌙'"), (#""\uD83C\uDF19x""#, "v == '🌙x'"), (#""\uffff""#, #"v == '\u{ffff}'"#),
        (#""\ud800\udc00""#, #"v == '\u{10000}'"#), (#""\udbff\udfff""#, #"v == '\u{10ffff}'"#),
        ("[]", "next(v) == nil and JSON.encode(v) == '[]'"), ("{}", "next(v) == nil and JSON.encode(v) == '{}'"),
        ("[1,[2,{\"a\":[]}]]", "v[1] == 1 and v[2][1] == 2 and JSON.encode(v[2][2].a) == '[]'"),
        ("\t\n\r [ 1 ,\n2 ] ", "#v == 2 and v[2] == 2"), ("{ \"a\" : 1 , \"b\" : 2 }", "v.a == 1 and v.b == 2"),
        (#"{"a":1,"a":2}"#, "v.a == 2"), (#"{"":1}"#, "v[''] == 1"), (#"{"1":2}"#, "v['1'] == 2 and v[1] == nil"),
        (#"{"a\u0000b":1}"#, #"v['a\0b'] == 1"#), ("[null]", "#v == 1"), ("[false]", "v[1] == false"),
    ])
    func `a text gives its value`(text: String, condition: String) async throws {
        #expect(try await decode(text, "return \(condition), message") == "true nil")
    }

    @Test(arguments: [
        (#""\ud83c""#, "\u{FFFD}"), (#""\udf19""#, "\u{FFFD}"), (#""\ud83cx""#, "\u{FFFD}x"),
        (#""\ud83c\u0041""#, "\u{FFFD}A"), (#""\ud83c\n""#, "\u{FFFD}\n"), (#""\ud83c\ud83c\udf19""#, "\u{FFFD}🌙"),
        (#""\udf19\ud83c""#, "\u{FFFD}\u{FFFD}"),
    ])
    func `half a surrogate pair becomes U+FFFD`(text: String, value: String) async throws {
        #expect(try await decode(text, "return v == \(JSONSample.literal(value.utf8)), message") == "true nil")
    }

    @Test(arguments: [
        ("", "expected a value, found the end of the text"), ("  \n", "expected a value, found the end of the text"),
        ("nul", "expected 'null'"), ("tru", "expected 'true'"), ("falsy", "expected 'false'"),
        ("True", "expected a value"),
        ("NaN", "expected a value"), ("Infinity", "expected a value"), ("-Infinity", "expected a digit"),
        ("undefined", "expected a value"), ("'x'", "expected a value"), ("x", "expected a value"),
        ("]", "expected a value"),
        ("\u{FEFF}1", "expected a value"), ("\u{B}1", "expected a value"), ("\u{A0}1", "expected a value"),
        ("/* one */ 1", "expected a value"), ("1 // one", "text after the value"), ("1 2", "text after the value"),
        ("{} x", "text after the value"), ("[1]]", "text after the value"), ("1\0", "text after the value"),
        ("nullnull", "text after the value"), ("0x10", "text after the value"), ("1_000", "text after the value"),
        ("01", "a number must not begin with 0"), ("-01", "a number must not begin with 0"), ("-", "expected a digit"),
        ("--1", "expected a digit"), ("+1", "expected a value"), (".5", "expected a value"), ("1.", "expected a digit"),
        ("1.e5", "expected a digit"), ("1e", "expected a digit"), ("1e+", "expected a digit"),
        ("-.5", "expected a digit"),
        ("1e400", "the number 1e400 is too large"), ("-1e400", "the number -1e400 is too large"),
        ("[", "expected a value, found the end of the text"), ("[1", "expected ',' or ']'"),
        ("[1 2]", "expected ',' or ']'"),
        ("[1,]", "expected a value"), ("[,1]", "expected a value"), ("[1,,2]", "expected a value"),
        ("[1}", "expected ',' or ']'"), ("[1:2]", "expected ',' or ']'"), ("[1,", "expected a value, found the end"),
        ("{", "expected a key in double quotes"), ("{,}", "expected a key in double quotes"),
        ("{a:1}", "expected a key in double quotes"), ("{'a':1}", "expected a key in double quotes"),
        ("{1:2}", "expected a key in double quotes"), (#"{"a":1,}"#, "expected a key in double quotes"),
        (#"{"a"}"#, "expected ':'"), (#"{"a" 1}"#, "expected ':'"), (#"{"a":}"#, "expected a value"),
        (#"{"a":1"#, "expected ',' or '}'"), (#"{"a":1]"#, "expected ',' or '}'"),
        (#"{"a":1 "b":2}"#, "expected ',' or '}'"),
        (#"{"a":1;"b":2}"#, "expected ',' or '}'"), (#"{"a":"#, "expected a value, found the end of the text"),
        ("\"abc", "a string without its closing quote"), (#""abc\"#, "a string without its closing quote"),
        (#""abc\""#, "a string without its closing quote"), ("\"a\nb\"", "a control character inside a string"),
        ("\"a\tb\"", "a control character inside a string"), ("\"\0\"", "a control character inside a string"),
        (#""\x41""#, "an unknown escape"), (#""\'""#, "an unknown escape"), (#""\U0041""#, "an unknown escape"),
        (#""\u""#, "expected four hex digits"), (#""\u12""#, "expected four hex digits"),
        (#""\u12G4""#, "expected four hex digits"), (#""\u+123""#, "expected four hex digits"),
        (#""\ud83c\u12""#, "expected four hex digits"), (#"{"a\q":1}"#, "an unknown escape"),
    ])
    func `a malformed text gives nil and a message`(text: String, message: String) async throws {
        let result = try await decode(text, "return v, message")
        #expect(result.hasPrefix("nil JSON: \(message)"), "\(result)")
        #expect(result.contains(" at byte "), "\(result)")
    }

    @Test(arguments: [
        ("x", 1), ("[1, 2, x]", 8), ("{\"a\": tru}", 7), ("[1 2]", 4), ("{} x", 4), ("\"é\" x", 6), ("[\n\n!]", 4),
        ("\"a\nb\"", 3), ("[1,", 4), ("", 1),
    ])
    func `the message names the byte at fault`(text: String, byte: Int) async throws {
        let result = try await decode(text, "return v, message")
        #expect(result.hasSuffix(" at byte \(byte)"), "\(result)")
    }

    // MARK: depth

    private static let nesting = """
        local function nested(depth, key, inmost)
          local value = inmost
          for _ = 1, depth do value = { [key] = value } end
          return value
        end
        local function text(depth, open, close) return open:rep(depth) .. "1" .. close:rep(depth) end
        """

    @Test func `a hundred levels pass either way`() async throws {
        let code = """
            \(Self.nesting)
            local list, object = text(100, "[", "]"), text(100, '{"a":', "}")
            return JSON.encode(nested(100, 1, 1)) == list, JSON.encode(JSON.decode(list)) == list,
              JSON.encode(nested(100, "a", 1)) == object, JSON.encode(JSON.decode(object)) == object
            """
        #expect(try await Snippets.run(code) == "true true true true")
    }

    @Test(arguments: [200, 10_000])
    func `deeper ones are refused, and nothing is harmed`(depth: Int) async throws {
        let code = """
            \(Self.nesting)
            local words = {}
            for _, key in ipairs { 1, "a" } do
              words[#words + 1] = select(2, pcall(JSON.encode, nested(\(depth), key, 1)))
            end
            for _, open in ipairs { "[", '{"a":' } do
              local value, message = JSON.decode(text(\(depth), open, open == "[" and "]" or "}"))
              words[#words + 1] = value == nil and message or "no message"
            end
            for index, word in ipairs(words) do
              words[index] = tostring(word:find("nested deeper than %d+ levels") ~= nil)
            end
            return table.concat(words, " ")
            """
        #expect(try await Snippets.run(code) == "true true true true")
    }

    @Test func `what encode can write decode can read, to the last level`() async throws {
        let code = """
            \(Self.nesting)
            for depth = 124, 132 do
              for _, inmost in ipairs { 1, "x", JSON.null, JSON.array{} } do
                local written, text = pcall(JSON.encode, nested(depth, 1, inmost))
                if written then
                  local value, message = JSON.decode(text)
                  if value == nil then return depth, message end
                end
              end
            end
            return "all"
            """
        #expect(try await Snippets.run(code) == "all")
    }
}
