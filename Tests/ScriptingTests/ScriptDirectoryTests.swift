import Foundation
import NIOCore
import Scripting
import TestKit
import Testing

/// Which files of a directory run, in which order, and which directories are refused.
@Suite(.timeLimit(.minutes(5))) struct ScriptDirectoryTests {
    @Test func `scripts load in byte order of their names`() async throws {
        var files: [String: String] = [:]
        for name in ["b", "a", "Z", "10", "9", "é", "a-b", "a.b"] { files["\(name).lua"] = "print('\(name)')" }
        let scripts = try await Scripts.load(files)
        #expect(scripts.printed == ["10", "9", "Z", "a-b", "a.b", "a", "b", "é"])
    }

    @Test func `what is no script is not loaded`() async throws {
        let scripts = try await Scripts.load([
            "main.lua": "print('main')", "_private.lua": "error('no')", ".hidden.lua": "error('no')",
            "main_test.lua": "error('no')", "_test.lua": "error('no')", "notes.txt": "no", "main.lua.bak": "no",
            "main.LUA": "no", "lib/module.lua": "error('no')", "public/app.lua": "error('no')",
        ])
        #expect(scripts.printed == ["main"])
    }

    @Test func `names that only look like the exceptions are loaded`() async throws {
        let scripts = try await Scripts.load([
            "a_.lua": "print('a_')", "b_test_.lua": "print('b_test_')", "test.lua": "print('test')",
        ])
        #expect(scripts.printed == ["a_", "b_test_", "test"])
    }

    @Test func `scripts share globals and not locals`() async throws {
        let scripts = try await Scripts.load([
            "a.lua": "shared = { 1 } local own = 2", "b.lua": "print(shared[1], own) shared[1] = 3",
            "c.lua": "print(shared[1])",
        ])
        #expect(scripts.printed == ["1\tnil", "3"])
    }

    @Test func `a script that waits is loaded to its end before the next begins`() async throws {
        let scripts = try await Scripts.make(
            try TemporaryDirectory([
                "a.lua": "print('a1') sleep(5) print('a2')", "b.lua": "print('b')",
            ]))
        let loaded = Task { try await scripts.host.load().get() }
        _ = await scripts.log.wait(for: "a1")
        #expect(scripts.printed == ["a1"])
        try await scripts.settle()
        scripts.clock.advance(by: .seconds(5))
        try await loaded.value
        #expect(scripts.printed == ["a1", "a2", "b"])
    }

    @Test func `an empty script is a script`() async throws {
        #expect(try await Scripts.load("").printed == [])
    }

    @Test(arguments: ["return nil", "return 5", "return 'x', {}", "return print"])
    func `a script may return what is no node`(script: String) async throws {
        let scripts = try await Scripts.load(script)
        try await scripts.host.start().get()
    }

    @Test(arguments: [
        [:], ["_a.lua": ""], [".a.lua": ""], ["a_test.lua": ""], ["lib/a.lua": ""], ["public/index.html": ""],
    ])
    func `a directory without a script is refused`(files: [String: String]) async throws {
        let directory = try TemporaryDirectory(files)
        let scripts = try await Scripts.make(directory)
        let error = await #expect(throws: ScriptDirectory.Failure.self) { try await scripts.host.load().get() }
        let path = try ScriptDirectory(directory.path).path
        #expect(error?.message == "script directory '\(path)' has no script (expected at least one .lua file in it)")
    }

    @Test func `a directory that is not there is refused`() {
        let error = #expect(throws: ScriptDirectory.Failure.self) { _ = try ScriptDirectory("/no/such/place") }
        #expect(error?.message == "script directory '/no/such/place': no such file or directory")
    }

    @Test func `a file is no directory`() throws {
        let directory = try TemporaryDirectory(["main.lua": ""])
        let path = directory.path + "/main.lua"
        let error = #expect(throws: ScriptDirectory.Failure.self) { _ = try ScriptDirectory(path) }
        #expect(error?.message == "script directory '\(path)': not a directory (expected a directory with .lua files)")
    }

    @Test func `a script that cannot be read is refused by its name`() async throws {
        let directory = try TemporaryDirectory(["a.lua": "print('a')"])
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/b.lua", withDestinationPath: "/no/such/file")
        let scripts = try await Scripts.make(directory)
        let error = await #expect(throws: ScriptDirectory.Failure.self) { try await scripts.host.load().get() }
        #expect(error?.message == "b.lua: no such file or directory")
    }

    @Test func `a folder named as a script is refused by its name`() async throws {
        let directory = try TemporaryDirectory(["b.lua/c.lua": ""])
        let scripts = try await Scripts.make(directory)
        let error = await #expect(throws: ScriptDirectory.Failure.self) { try await scripts.host.load().get() }
        #expect(error?.message == "b.lua: is a directory")
    }

    @Test func `a script behind a symbolic link is loaded`() async throws {
        let elsewhere = try TemporaryDirectory(["real.lua": "print('real')"])
        let directory = try TemporaryDirectory()
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/main.lua", withDestinationPath: elsewhere.path + "/real.lua")
        let scripts = try await Scripts.make(directory)
        try await scripts.host.load().get()
        #expect(scripts.printed == ["real"])
    }

    @Test func `public is served, and routes come first`() async throws {
        try await withServer([
            "main.lua": "HTTPServer.register_route('GET', '/a.txt', function(_, response) response.body = 'route' end)",
            "public/index.html": "<p>home</p>", "public/a.txt": "file", "public/sub/b.css": "p{}",
            "lib/c.lua": "secret",
        ]) { server async throws in
            #expect(try await server.body("/") == "<p>home</p>")
            #expect(try await server.body("/a.txt") == "route")
            let css = try await server.response(to: "/sub/b.css")
            #expect(css.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(css.lowercased().contains("\r\ncontent-type: text/css"))
            for path in ["/main.lua", "/../main.lua", "/lib/c.lua", "/nothing"] {
                let response = try await server.response(to: path)
                #expect(!response.hasPrefix("HTTP/1.1 200"), "\(path)")
            }
        }
    }
}
