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
            ("port = 'a\\b'", .text("a\\b")), ("port = \"a\\\"b\"", .text("a\"b")),
            ("port = '''\na\nb'''", .text("a\nb")),
            ("port = 'é'", .text("é")), ("port = []", .other("array")), ("port = {}", .other("table")),
            ("port = 2026-01-01T00:00:00Z", .other("date-time")),
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
        ("port = 'a", 1), ("port = 1\n\nthreads = [1,\n2", 4), ("host = '''\n\n", 2), ("port = 08", 1),
        ("port = 99999999999999999999", 1), ("a = 1\nb = \"\\x\"", 2),
    ])
    func `a file that is no TOML is an error that names the line`(text: String, line: Int) {
        let error = #expect(throws: SettingSources.Failure.self) { try SettingsFile(text) }
        #expect(error?.message.hasPrefix("mooncast.toml:\(line): ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }

    @Test(arguments: ["[serve]", "  [[serve]]", "[=", "\u{FEFF}[,", "\t[{", "\u{A0}[é", "\r["])
    func `a table is an error`(line: String) {
        for text in ["\(line)\nport = 1", "\(line)\r\n"] {
            #expect(throws: SettingSources.Failure(message: "mooncast.toml:1: unknown table (settings are in none)")) {
                try SettingsFile(text)
            }
        }
        #expect(throws: SettingSources.Failure.self) { try SettingsFile("port = 1\n\(line)") }
    }

    @Test func `nothing behind a NUL is ignored`() {
        #expect(throws: SettingSources.Failure(message: "mooncast.toml: holds a NUL character")) {
            try SettingsFile("port = 1\n\0threads = x")
        }
    }

    @Test(arguments: [
        ("key = 1", 1), ("\n\nkey = 1\n", 3), ("other = 1\nkey = 1\nlast = 1", 2), ("# key = 0\nkey = 1", 2),
        ("other = '''\nkey = 0\n'''\nkey = 1", 4), ("other = [\n1,\n2]\n\nkey = 1", 5), ("key = [\n1,\n2]", 1),
        ("key = \"\"\"\n\n\"\"\"", 1), ("other = 'key = 1'\n'key' = 1", 2), ("other = { key = 0 }\nkey = 1", 2),
        ("other.key = 1\nkey = 1", 2), ("a = 1\r\n\r\nkey = 1\r\n", 3),
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
        for (key, _) in file.entries {
            let line = try #require(Int(file.place(of: key).dropFirst("mooncast.toml:".count)))
            #expect((1...(text.utf8.count { $0 == 10 } + 1)).contains(line), "\(text.debugDescription)")
        }
    }
}
