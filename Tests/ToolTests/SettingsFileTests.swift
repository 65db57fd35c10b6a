import Scripting
import TestKit
import Testing

@testable import Tool

@Suite struct SettingsFileTests {
    @Test(
        arguments: [
            ("port = 8080", .integer(8080)), ("port = 0x1F90", .integer(8080)), ("port = 8_080", .integer(8080)),
            ("'port' = 8080", .integer(8080)), ("port = -1", .integer(-1)), ("port = 0.5", .number(0.5)),
            ("port = 1e3", .number(1000)), ("port = true", .boolean(true)), ("port = false # so", .boolean(false)),
            ("port = 'a\\b'", .text("a\\b")), ("port = \"a\\\"b\"", .text("a\"b")), ("port = ''", .text("")),
            ("port = 'é'", .text("é")), ("port = \"\\u00e9\\U0001F600\\t\\\\\"", .text("é😀\t\\")),
            ("\"p\\u006frt\"\t=\t+1_0#x", .integer(10)), ("port = 0o17", .integer(15)), ("port = 0b1_01", .integer(5)),
            ("port = 0", .integer(0)), ("port = -0", .integer(0)), ("port = 9223372036854775807", .integer(.max)),
            ("port = -9223372036854775808", .integer(.min)), ("port = 6.25E-1_0", .number(6.25e-10)),
            ("port = -inf", .number(-.infinity)), ("port = +1.0", .number(1)), ("port = 'a # b' # c", .text("a # b")),
        ] as [(String, SettingsFile.Value)])
    func `a value is read as TOML has it`(text: String, value: SettingsFile.Value) throws {
        #expect(try SettingsFile(text)["port"] == value)
        #expect(try SettingsFile("\u{FEFF}# settings\r\n\(text)\r\n")["port"] == value)
    }

    @Test(arguments: ["", "\n", "# nothing", "\r\n\r\n"]) func `a file may be empty`(text: String) throws {
        #expect(try SettingsFile(text).entries.isEmpty)
    }

    @Test(arguments: [
        ("port", 1), ("port = ", 1), ("port = 1\nport = 2", 2), ("port = 1 threads = 2", 1), ("\n\n= 1", 3),
        ("port = 'a", 1), ("port = 1\n\nthreads = [1,\n2", 3), ("host = '''\n\n", 1), ("port = 08", 1),
        ("host = \"\"\"a\"\"\"", 1), ("port = {}", 1), ("port = 2026-01-01", 1), ("port = 1_", 1), ("port = _1", 1),
        ("port = 1__0", 1), ("port = 1.", 1), ("port = .5", 1), ("port = 1e", 1), ("port = 1.e5", 1), ("port = --1", 1),
        ("port = 0x", 1), ("port = -0x1", 1), ("port = 0xg", 1), ("port = 00", 1), ("port = 01.5", 1),
        ("port = Inf", 1),
        ("port = TRUE", 1), ("port = 1 2", 1), ("port = 'a' 'b'", 1), ("port = \"\\uD800\"", 1),
        ("port = \"\\u12\"", 1),
        ("port = \"\\u+123\"", 1), ("port = \"a\\", 1), ("port = \"a\u{1}\"", 1), ("port.a = 1", 1), ("= 1", 1),
        ("é = 1", 1), ("port 1", 1), ("port = ٣", 1), ("port = 1\rthreads = 1", 1), ("a = 1 \u{7F}", 1),
        ("port = 99999999999999999999", 1), ("a = 1\nb = \"\\x\"", 2),
    ])
    func `a file that is no TOML is an error that names the line`(text: String, line: Int) {
        let error = #expect(throws: SettingSources.Failure.self) { try SettingsFile(text) }
        #expect(error?.message.hasPrefix("mooncast.toml:\(line): ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }

    @Test(arguments: ["[serve]", "  [[serve]]", "[=", "\u{FEFF}[,", "\t[{"])
    func `a table is an error`(line: String) {
        for text in ["\(line)\nport = 1", "\(line)\r\n"] {
            #expect(throws: SettingSources.Failure(message: "mooncast.toml:1: unknown table (settings are in none)")) {
                try SettingsFile(text)
            }
        }
        #expect(throws: SettingSources.Failure.self) { try SettingsFile("port = 1\n\(line)") }
    }

    @Test func `nothing behind a NUL is ignored`() {
        #expect(throws: SettingSources.Failure(message: "mooncast.toml:2: holds a control character")) {
            try SettingsFile("port = 1\n\0threads = x")
        }
    }

    @Test(arguments: [
        ("key = 1", 1), ("\n\nkey = 1\n", 3), ("other = 1\nkey = 1\nlast = 1", 2), ("# key = 0\nkey = 1", 2),
        ("other = 'key = 1'\n'key' = 1", 2), ("a = 1\r\n\r\nkey = 1\r\n", 3),
    ])
    func `the line of a key is where it begins`(text: String, line: Int) throws {
        #expect(try SettingsFile(text).place(of: "key") == "mooncast.toml:\(line)")
    }

    @Test func `the file is that of the directory, and need not be there`() throws {
        let directory = try TemporaryDirectory(["main.lua": ""])
        #expect(try SettingsFile(in: ScriptDirectory(directory.path)).entries.isEmpty)
        try directory.write("port = 1", to: "mooncast.toml")
        #expect(try SettingsFile(in: ScriptDirectory(directory.path))["port"] == .integer(1))
    }

    @Test func `a file that cannot be read is an error`() throws {
        let directory = try TemporaryDirectory(["mooncast.toml/x": ""])
        #expect(throws: SettingSources.Failure(message: "mooncast.toml: is a directory")) {
            try SettingsFile(in: ScriptDirectory(directory.path))
        }
    }

    /// Whatever is in a file, reading it gives entries or an error, and each entry has a line of the file.
    @Test(arguments: 0..<300) func `random files do not confuse it`(_ seed: UInt64) throws {
        let pieces = [
            "port", "a", "=", " = ", "1", "'", "\"", "'''", "[", "]", "[a]", "{", "}", "\n", "\r\n", "#", ".", ",",
            "\\",
            "é", "true", "1e400", "2026-01-01", "0x", "\t", "port = 1\n", "b = 'x'\n",
        ]
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 0...20, using: &random)
        let text = (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined()
        guard let file = try? SettingsFile(text) else { return }
        for entry in file.entries {
            #expect((1...(text.utf8.count { $0 == 10 } + 1)).contains(entry.line), "\(text.debugDescription)")
            #expect(file.place(of: entry.key) == "mooncast.toml:\(entry.line)")
        }
    }
}
