import NIOCore
import Scripting
import TestKit
import Testing

/// What the author of a script that does not load is shown.
@Suite(.timeLimit(.minutes(5))) struct LoadErrorTests {
    @Test func `a syntax error has file, line and the line's text`() async throws {
        let report = try await Scripts.failure("-- one\n-- two\nlocal = 5\n")
        #expect(report.message == "main.lua:3: <name> expected near '='")
        #expect(report.source?.file == "main.lua")
        #expect(report.source?.line == 3)
        #expect(report.source?.text == "local = 5")
        #expect(report.text == "main.lua:3: <name> expected near '='\n  3 | local = 5")
        #expect(report.traceback == "")
    }

    @Test(arguments: [
        ("error('boom')", "main.lua:2: boom"),
        ("local t = nil; t.x = 1", "main.lua:2: attempt to index a nil value (local 't')"),
        ("print(1 + {})", "main.lua:2: attempt to perform arithmetic on a table value"),
        ("assert(false, 'said so')", "main.lua:2: said so"),
        ("error('no place', 0)", "no place"),
        ("error()", "nil"),
    ])
    func `an error at the top level has its message`(code: String, message: String) async throws {
        let report = try await Scripts.failure("-- one\n    \(code)  \n")
        #expect(report.message == message)
        #expect(report.traceback.contains("main.lua:2: in main chunk"))
        if message.hasPrefix("main.lua:2:") { #expect(report.text == "\(message)\n  2 | \(code)") }
    }

    @Test func `the traceback names every call, and none of the host's own`() async throws {
        let report = try await Scripts.failure(
            """
            local signal = Signal.new("s")
            local function inner() error("boom") end
            local function outer()
              inner()
              return 1
            end
            pcall(signal.emit)
            outer()
            """)
        #expect(report.message == "main.lua:2: boom")
        let lines = report.traceback.split(separator: "\n").map(String.init)
        for place in ["main.lua:2: in", "main.lua:4: in", "main.lua:8: in main chunk"] {
            #expect(lines.contains { $0.contains(place) }, "\(report.traceback)")
        }
        #expect(!report.traceback.contains("[mooncast]"))
    }

    @Test func `an error below a function of the host's names the script's line`() async throws {
        let report = try await Scripts.failure(
            """
            local signal = Signal.new("s")
            signal:connect(5)
            """)
        #expect(report.message == "main.lua:2: Signal.connect: argument 1 (callback) must be a function, got number")
        #expect(!report.traceback.contains("[mooncast]"))
        #expect(report.source?.text == "signal:connect(5)")
    }

    @Test func `the file at fault is named, and the ones after it are not loaded`() async throws {
        let scripts = try await Scripts.make(
            try TemporaryDirectory([
                "a.lua": "print('a')", "b.lua": "print('b')\nerror('stop')", "c.lua": "print('c')",
            ]))
        let report = await #expect(throws: ErrorReport.self) { try await scripts.host.load().get() }
        #expect(report?.message == "b.lua:2: stop")
        #expect(scripts.printed == ["a", "b"])
    }

    @Test func `an error after a wait is told as well`() async throws {
        let scripts = try await Scripts.make(try TemporaryDirectory(["main.lua": "sleep(1)\nerror('late')"]))
        let loaded = Task { try await scripts.host.load().get() }
        try await scripts.settle()
        scripts.clock.advance(by: .seconds(1))
        let report = await #expect(throws: ErrorReport.self) { try await loaded.value }
        #expect(report?.message == "main.lua:2: late")
    }

    @Test func `bytecode is refused`() async throws {
        let report = try await Scripts.failure("\u{1B}LuaT\0\u{19}")
        #expect(report.message.contains("attempt to load a binary chunk"), "\(report.message)")
    }

    @Test func `load refuses bytecode too, whatever mode is asked for`() async throws {
        let prints = try await Scripts.prints(of: #"print(load("\27Lua", "x", "b")) print(load("\27Lua"))"#)
        #expect(prints.count == 2)
        for line in prints { #expect(line.hasPrefix("nil\t") && line.contains("binary chunk"), "\(line)") }
    }

    @Test func `debug is absent and the metatable of strings cannot be changed`() async throws {
        let prints = try await Scripts.prints(
            of: """
                print(debug, dofile, loadfile, os.execute, io.popen, string.dump)
                print(getmetatable(""), pcall(setmetatable, "", {}))
                """)
        #expect(prints[0] == "nil\tnil\tnil\tnil\tnil\tnil")
        #expect(prints[1].hasPrefix("false\tfalse\t"))
    }

    @Test func `an error value that is no string is shown somehow`() async throws {
        let report = try await Scripts.failure("error({ code = 5 })")
        #expect(report.message.contains("table"))
    }

    @Test func `a very long line is named right`() async throws {
        let report = try await Scripts.failure(String(repeating: "\n", count: 70_000) + "error('here')")
        #expect(report.message == "main.lua:70001: here")
        #expect(report.source?.text == "error('here')")
    }
}
