import NIOCore
import Scripting
import TestKit
import Testing

/// `require`: modules in the sub-folders of the script directory.
@Suite(.timeLimit(.minutes(5))) struct RequireTests {
    private func prints(_ main: String, _ modules: [String: String]) async throws -> [String] {
        var files = modules
        files["main.lua"] = main
        return try await Scripts.load(files).printed
    }

    @Test(arguments: [
        ("lib", "lib/init.lua"), ("lib.scores", "lib/scores.lua"), ("a.b.c", "a/b/c.lua"), ("a.b", "a/b/init.lua"),
        ("_own", "_own.lua"), ("lib.with-dash", "lib/with-dash.lua"),
    ])
    func `a name with dots is a path`(name: String, file: String) async throws {
        #expect(try await prints("print(require('\(name)').x)", [file: "return { x = 'found' }"]) == ["found"])
    }

    @Test func `a file comes before the folder of its name`() async throws {
        let modules = ["lib/a.lua": "return 'file'", "lib/a/init.lua": "return 'folder'"]
        #expect(try await prints("print(require 'lib.a')", modules) == ["file"])
    }

    @Test func `a module runs once, and everyone gets the same value`() async throws {
        let scripts = try await Scripts.load([
            "a.lua": "first = require 'lib.m'", "b.lua": "print(rawequal(first, require 'lib.m'), require('lib.m').n)",
            "lib/m.lua": "runs = (runs or 0) + 1 return { n = runs }",
        ])
        #expect(scripts.printed == ["true\t1"])
    }

    @Test func `a module gets its name, and is true when it returns nothing`() async throws {
        #expect(try await prints("print(require 'lib.m')", ["lib/m.lua": "print(...)"]) == ["lib.m", "true"])
    }

    @Test func `a module may be false`() async throws {
        #expect(
            try await prints("print(require 'lib.m', require 'lib.m')", ["lib/m.lua": "return false"]) == [
                "false\tfalse"
            ])
    }

    @Test func `modules may use modules`() async throws {
        let modules = ["lib/a.lua": "return 'a' .. require 'lib.b'", "lib/b.lua": "return 'b'"]
        #expect(try await prints("print(require 'lib.a')", modules) == ["ab"])
    }

    @Test(arguments: [
        (["lib/a.lua": "local a = require 'lib.a' return a"], "module 'lib.a' requires itself"),
        (
            ["lib/a.lua": "return require 'lib.b'", "lib/b.lua": "local a = require 'lib.a' return a"],
            "module 'lib.a' requires itself"
        ),
    ])
    func `a cycle is an error`(modules: [String: String], message: String) async throws {
        let report = try await Scripts.failure(modules.merging(["main.lua": "require 'lib.a'"]) { a, _ in a })
        #expect(report.message.contains(message), "\(report.message)")
        #expect(report.message.hasPrefix("lib/"))
    }

    @Test func `an error of require never points into the host`() async throws {
        let report = try await Scripts.failure(["main.lua": "require 'lib.a'", "lib/a.lua": "return require 'lib.a'"])
        #expect(report.message.hasPrefix("main.lua:1: module 'lib.a' requires itself"), "\(report.message)")
    }

    @Test func `a module that is not there says where it was looked for`() async throws {
        let report = try await Scripts.failure("local a\nlocal b = require 'lib.nothing'")
        #expect(
            report.message == "main.lua:2: module 'lib.nothing' not found (no lib/nothing.lua, no lib/nothing/init.lua)"
        )
    }

    @Test(arguments: ["../main", "lib/a", "", "a..b", ".a", "a.", "/etc/passwd", "lib\\a", "a\0b"])
    func `a name that is no module name is refused`(name: String) async throws {
        let quoted = name.replacing("\\", with: "\\\\").replacing("\0", with: "\\0")
        let report = try await Scripts.failure(["main.lua": "require '\(quoted)'", "lib/a.lua": "return 1"])
        #expect(report.message.hasPrefix("main.lua:1: module '"), "\(report.message)")
        #expect(report.message.contains("is not a module name (expected names with dots, as 'lib.scores')"))
    }

    @Test func `an error in a module names the module's line`() async throws {
        let report = try await Scripts.failure([
            "main.lua": "require 'lib.bad'", "lib/bad.lua": "local a\nlocal b = a.x",
        ])
        #expect(report.message == "lib/bad.lua:2: attempt to index a nil value (local 'a')")
        #expect(report.text.hasSuffix("\n  2 | local b = a.x"))
        #expect(report.traceback.contains("main.lua:1:"))
    }

    @Test func `a syntax error in a module names and shows the module's line`() async throws {
        let report = try await Scripts.failure(["main.lua": "require 'lib.bad'", "lib/bad.lua": "local a\nlocal = 5"])
        #expect(report.message.contains("lib/bad.lua:2: <name> expected near '='"), "\(report.message)")
        #expect(report.source?.file == "lib/bad.lua")
        #expect(report.source?.text == "local = 5")
    }

    @Test func `a module that failed can be tried again`() async throws {
        let modules = ["lib/m.lua": "tries = (tries or 0) + 1 if tries == 1 then error('first') end return tries"]
        let prints = try await prints("print((pcall(require, 'lib.m'))) print(require 'lib.m')", modules)
        #expect(prints == ["false", "2"])
    }

    @Test func `a module may wait, and those who ask meanwhile wait for it`() async throws {
        let scripts = try await Scripts.load([
            "main.lua": """
            for _, name in ipairs { "a", "b" } do
              spawn(function() print(name, require("lib.slow").n) end)
            end
            print("spawned")
            """,
            "lib/slow.lua": "runs = (runs or 0) + 1 sleep(3) return { n = runs }",
        ])
        #expect(scripts.printed == ["spawned"])
        try await scripts.advance(.seconds(3))
        #expect(scripts.printed == ["spawned", "a\t1", "b\t1"])
    }

    @Test func `those who wait for a module that fails get its error too`() async throws {
        let scripts = try await Scripts.load([
            "main.lua": """
            for _, name in ipairs { "a", "b" } do
              spawn(function() print(name, pcall(require, "lib.slow")) end)
            end
            """,
            "lib/slow.lua": "sleep(1) error('broken')",
        ])
        try await scripts.advance(.seconds(1), times: 2)
        #expect(scripts.printed == ["a\tfalse\tlib/slow.lua:1: broken", "b\tfalse\tlib/slow.lua:1: broken"])
    }

    @Test func `two tasks that require each other's module are told, not stuck`() async throws {
        let scripts = try await Scripts.load([
            "main.lua": """
            spawn(function() print("one", (pcall(require, "lib.a"))) end)
            spawn(function() print("two", (pcall(require, "lib.b"))) end)
            """,
            "lib/a.lua": "sleep(1) return { require 'lib.b' }", "lib/b.lua": "sleep(1) return { require 'lib.a' }",
        ])
        try await scripts.advance(.seconds(1), times: 4)
        #expect(scripts.printed.sorted() == ["one\tfalse", "two\tfalse"])
    }

    @Test func `a handler can require`() async throws {
        try await withServer([
            "main.lua": """
            HTTPServer.register_route("GET", "/", function(_, response) response.body = require("lib.m").hello() end)
            """,
            "lib/m.lua": "return { hello = function() return 'hi' end }",
        ]) { server async throws in
            for _ in 0..<2 {
                let answer = try await server.body("/")
                #expect(answer == "hi")
            }
        }
    }
}
