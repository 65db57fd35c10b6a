import Foundation
import NIOCore
import Scripting
import TestKit
import Testing

/// `Registry`, `UUID`, `Time`, `Env`, `Log`, `print` and `error_string`.
@Suite(.timeLimit(.minutes(5))) struct ServiceTests {
    // MARK: Registry

    @Test func `get returns the very value that was set`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local values = { {}, print, function() end, coroutine.create(print), HTTPServer, Timer.new() }
                values[7] = SSEConnection.new()
                for index, value in ipairs(values) do
                  Registry.set("value", value)
                  collectgarbage()
                  print(index, rawequal(Registry.get("value"), value), Registry.has("value"))
                end
                for _, value in ipairs { 1, 1.5, "text", "a\\0b", true, false } do
                  Registry.set("value", value)
                  print(Registry.get("value", "default") == value, math.type(Registry.get("value")) == math.type(value))
                end
                """)
        #expect(prints == (1...7).map { "\($0)\ttrue\ttrue" } + Array(repeating: "true\ttrue", count: 6))
    }

    @Test func `what the registry holds is kept though no script holds it`() async throws {
        let prints = try await Scripts.prints(
            of: """
                Registry.set("kept", setmetatable({ "inside" }, { __mode = "k" }))
                collectgarbage()
                collectgarbage()
                print(Registry.get("kept")[1])
                """)
        #expect(prints == ["inside"])
    }

    @Test func `a missing key gives the default, or nil`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local default = {}
                print(rawequal(Registry.get("none", default), default), Registry.has("none"), Registry.get("none"))
                print(select("#", Registry.get("none")), Registry.get("none", nil), Registry.get("none", false))
                Registry.set("false", false)
                print(Registry.get("false", "default"), Registry.has("false"))
                """)
        #expect(prints == ["true\tfalse\tnil", "1\tnil\tfalse", "false\ttrue"])
    }

    @Test func `remove takes a key out, and so does nil`() async throws {
        let prints = try await Scripts.prints(
            of: """
                Registry.set("a", 1) Registry.set("b", 2)
                Registry.remove("a") Registry.remove("a") Registry.set("b", nil)
                print(Registry.has("a"), Registry.get("a"), Registry.has("b"), Registry.get("b", "default"))
                Registry.set("a", 3) Registry.set("a", 4)
                print(Registry.get("a"))
                """)
        #expect(prints == ["false\tnil\tfalse\tdefault", "4"])
    }

    @Test func `all scripts share the registry`() async throws {
        let scripts = try await Scripts.load([
            "a.lua": "Registry.set('shared', { from = 'a' })", "b.lua": "print(Registry.get('shared').from)",
        ])
        #expect(scripts.printed == ["a"])
    }

    @Test(arguments: [#"'', 'x'"#, #"'a\0b', 'a'"#, "'é', 'e'", #"'\xff', '\xfe'"#, "'A', 'a'", "'get', 'set'"])
    func `keys are strings of bytes`(keys: String) async throws {
        let prints = try await Scripts.prints(
            of: """
                local one, other = \(keys)
                Registry.set(one, 1)
                print(Registry.get(one), Registry.get(other), Registry.has(other))
                """)
        #expect(prints == ["1\tnil\tfalse"])
    }

    // MARK: UUID, Time, Env

    @Test func `a UUID has the form of version 4, and no two are the same`() async throws {
        let prints = try await Scripts.prints(of: "for _ = 1, 500 do print(UUID.v4()) end")
        #expect(Set(prints).count == 500)
        for uuid in prints {
            #expect(uuid.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12], "\(uuid)")
            #expect(uuid.allSatisfy { "0123456789abcdef-".contains($0) }, "\(uuid)")
            let digits = Array(uuid)
            #expect(digits.count == 36 && digits[14] == "4" && "89ab".contains(digits[19]), "\(uuid)")
        }
    }

    @Test func `Time.monotonic is the server's clock, in seconds as a float`() async throws {
        let scripts = try await Scripts.load(
            """
            local begun = Time.monotonic()
            print(math.type(begun), Time.monotonic() == begun)
            Timer.new { autostart = true }.timeout:connect(function() print(Time.monotonic() - begun) end)
            """)
        try await scripts.advance(.seconds(1))
        try await scripts.advance(.milliseconds(1500))
        #expect(scripts.printed.first == "float\ttrue")
        #expect(scripts.printed.dropFirst().prefix(2) == ["1.0", "2.5"])
    }

    @Test func `Time.now is the seconds since 1970, whatever the server's clock says`() async throws {
        let before = Date().timeIntervalSince1970
        let scripts = try await Scripts.load("print(math.type(Time.now())) print(string.format('%.6f', Time.now()))")
        let after = Date().timeIntervalSince1970
        #expect(scripts.printed.first == "float")
        let now = try #require(scripts.printed.last.flatMap { Double($0) })
        #expect(now > before - 1 && now < after + 1)
    }

    @Test func `Env.get gives the variable, or the default`() async throws {
        let path = try #require(ProcessInfo.processInfo.environment["PATH"])
        let prints = try await Scripts.prints(
            of: """
                local default = {}
                print(Env.get("PATH"))
                print(Env.get("PATH", "default") == Env.get("PATH"), Env.get("PATH") == os.getenv("PATH"))
                print(Env.get("MOONCAST_NO_SUCH_NAME"), Env.get("MOONCAST_NO_SUCH_NAME", "default"))
                print(rawequal(Env.get("MOONCAST_NO_SUCH_NAME", default), default), Env.get("", 5))
                """)
        #expect(prints == [path, "true\ttrue", "nil\tdefault", "true\t5"])
    }

    // MARK: Log, print

    @Test(arguments: [
        ("Log.debug('m')", "debug m"), ("Log.info('m')", "info m"), ("Log.warn('m')", "warning m"),
        ("Log.error('m')", "error m"), ("Log.info('m', {})", "info m"), ("Log.info('')", "info "),
        ("Log.warn('m', { user = 'ann', n = 2 })", "warning m n=2 user=ann"),
        ("Log.error('m', { f = 1.5, yes = true, no = false })", "error m f=1.5 no=false yes=true"),
        ("Log.info('m', { 'first', 'second' })", "info m 1=first 2=second"), ("Log.info('é€🌙')", "info é€🌙"),
        (#"Log.info('a\xffb', { k = '\xff' })"#, "info a\u{FFFD}b k=\u{FFFD}"), ("print('m')", "info m"),
        ("print()", "info "), ("print(nil, true, 1, 1.5, 'x')", "info nil\ttrue\t1\t1.5\tx"),
        ("print(setmetatable({}, { __tostring = function() return 'mine' end }))", "info mine"),
        (#"print('two\nlines')"#, "info two\nlines"), ("print(HTTPServer:get_port())", "info 0"),
    ])
    func `what a script says has its level and its fields`(code: String, line: String) async throws {
        let scripts = try await Scripts.load(code)
        #expect(scripts.log.lines == [line])
    }

    @Test func `a table as a field is shown somehow`() async throws {
        let scripts = try await Scripts.load("Log.info('m', { t = {}, f = print })")
        let line = try #require(scripts.log.lines.first)
        #expect(line.hasPrefix("info m f=function: ") && line.contains(" t=table: "), "\(line)")
    }

    // MARK: errors

    @Test(arguments: [-1, 8, 9, 11, 45, 1000])
    func `a number that is no error's has no constant's name`(number: Int) async throws {
        let prints = try await Scripts.prints(
            of: """
                local name = error_string(\(number))
                print(type(name), rawget(_G, name))
                """)
        #expect(prints == ["string\tnil"])
    }

    @Test func `the numbers and names of the errors go together both ways`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local count = 0
                for name, value in pairs(_G) do
                  if name == "OK" or name == "FAILED" or name:find("^ERR_") then
                    assert(error_string(value) == name, name)
                    count = count + 1
                  end
                end
                print(count, error_string(ERR_DOES_NOT_EXIST), error_string(OK))
                """)
        #expect(prints == ["21\tERR_DOES_NOT_EXIST\tOK"])
    }
}
