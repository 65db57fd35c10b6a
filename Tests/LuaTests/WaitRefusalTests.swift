import Lua
import Testing

/// Where a wait cannot be, and what must not be done to one.
@Suite struct WaitRefusalTests {
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
        lua.defineWait()
    }

    @Test(arguments: [
        ("table.sort({ 2, 1 }, wait)", "table.sort"),
        (
            "table.sort({ 2, 1 }, function() return wait() end)",
            "table.sort"
        ),
        (
            """
            table.sort({ 2, 1 }, function()
            return pcall(wait) and true or error('refused: ' .. select(2, pcall(wait)), 0) end)
            """,
            "table.sort"
        ),
        ("local s = table.sort s({ 2, 1 }, function() wait() end)", "table.sort"),
        (
            """
            local t = setmetatable({}, { __index = function() wait() end })
            table.sort({ 2, 1 }, function() return t.x end)
            """,
            "table.sort"
        ),
        (
            "local m = { __lt = function() wait() end } table.sort({ setmetatable({}, m), setmetatable({}, m) })",
            "table.sort"
        ),
        ("string.gsub('x', 'x', wait)", "string.gsub"), ("('x'):gsub('x', function() wait() end)", "string.gsub"),
        ("string.gsub('x', 'x', setmetatable({}, { __index = wait }))", "string.gsub"),
        ("tostring(setmetatable({}, { __tostring = function() wait() end }))", "tostring"),
        ("('%s'):format(setmetatable({}, { __tostring = wait }))", "string.format"),
        ("table.concat(setmetatable({}, { __index = wait }), '', 1, 2)", "table.concat"),
        ("table.unpack(setmetatable({}, { __len = function() wait() end }))", "table.unpack"),
        ("table.insert(setmetatable({}, { __newindex = wait }), 1)", "table.insert"),
        ("assert(load(function() wait() end))", "load"),
        ("coroutine.wrap(function() table.sort({ 2, 1 }, function() wait() end) end)()", "table.sort"),
        (
            "for _ in ipairs(setmetatable({}, { __index = wait })) do end",
            "a function that the host or C is waiting for"
        ),
        ("table.sort({ 2, 1 }, coroutine.wrap(wait))", "a function that the host or C is waiting for"),
        (
            "string.gsub('x', 'x', function() coroutine.wrap(function() wait() end)() end)",
            "a function that the host or C is waiting for"
        ),
    ])
    func `a wait where Lua cannot says what stands in its way`(source: String, obstacle: String) throws {
        let message = try #require(try lua.run(source).message)
        #expect(message.contains("wait: cannot wait inside \(obstacle)"), "\(message)")
        #expect(try lua.run("value = 'after'") == .done)
    }

    @Test func `a wait inside a call of the host's is refused`() throws {
        lua.state.stack.push(try lua.state.compile("wait()".utf8, name: "test.lua"))
        let says = "test.lua:1: wait: cannot wait inside a function that the host or C is waiting for"
        #expect(throws: LuaError.message(says)) { try lua.state.call(arguments: 0, results: 0) }
    }

    @Test func `a wait inside a variable that is closed at the end is refused`() throws {
        let source = "local x <close> = setmetatable({}, { __close = function() wait() end }) wait()"
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        let says = "test.lua:1: wait: cannot wait inside a function that the host or C is waiting for"
        #expect(coroutine.end() == says)
    }

    /// A coroutine of the script's, held in `inner`, waits for the host.
    private func startWaiting() throws -> LuaCoroutine {
        let source = """
            inner = coroutine.create(function()
                middle = coroutine.wrap(function() return wait() end)
                return middle()
            end)
            return coroutine.resume(inner)
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        return coroutine
    }

    @Test(arguments: [
        ("coroutine.resume(inner)", "cannot resume a coroutine that waits for the host"),
        ("coroutine.close(inner)", "cannot close a coroutine that waits for the host"),
        ("middle()", "cannot resume a coroutine that waits for the host"),
        (
            "coroutine.wrap(function() coroutine.resume(inner, 1, 2) end)()",
            "cannot resume a coroutine that waits for the host"
        ),
    ])
    func `a script's coroutine that waits for the host is left alone`(source: String, says: String) throws {
        let coroutine = try startWaiting()
        #expect(try lua.run(source).message?.hasSuffix(says) == true)
        #expect(coroutine.resume(with: 12) == .done)
        #expect(coroutine.results == ["true", "12"])
        #expect(try lua.run("status = coroutine.status(inner) closed = coroutine.close(inner)") == .done)
        #expect(lua.global("status") == "dead")
        #expect(lua.global("closed") == "true")
    }

    @Test(arguments: [
        ("coroutine.resume(task, 5)", "cannot resume a coroutine that waits for the host"),
        ("coroutine.close(task)", "cannot close a coroutine that waits for the host"),
    ])
    func `a coroutine of the host's that waits is left alone`(source: String, says: String) throws {
        let (coroutine, outcome) = try lua.start("task = coroutine.running() return wait()")
        #expect(outcome == .waiting)
        #expect(try lua.run(source).message == "test.lua:1: " + says)
        #expect(coroutine.resume(with: 12) == .done)
        #expect(coroutine.results == ["12"])
    }

    @Test func `a coroutine of the host's is neither closed nor resumed while it runs`() throws {
        let says = "test.lua:1: cannot close a running coroutine"
        #expect(try lua.run("coroutine.close(coroutine.running())").message == says)
        let source = """
            local task = coroutine.running()
            ok, message = coroutine.resume(task)
            closed = coroutine.wrap(function() return pcall(coroutine.close, task) end)()
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("ok") == "false")
        #expect(lua.global("message") == "cannot resume non-suspended coroutine")
        #expect(lua.global("closed") == "false")
    }

    @Test(arguments: ["coroutine.close(main)", "coroutine.resume(main, 1)", "coroutine.wrap(coroutine.close)(main)"])
    func `the interpreter's main coroutine is left alone`(source: String) throws {
        lua.state.stack.push(try lua.state.compile("main = coroutine.running()".utf8, name: "main.lua"))
        try lua.state.call(arguments: 0, results: 0)
        lua.state.stack.push("kept")
        let chunk = try lua.state.compile(source.utf8, name: "test.lua")
        let coroutine = lua.state.takeCoroutine()
        coroutine.stack.push(chunk)
        #expect(coroutine.resume(arguments: 0).message?.contains("the main coroutine") == true)
        #expect(lua.state.stack.count == 1)
        #expect(lua.state.stack.string(at: -1) == "kept")
        #expect(try lua.run("ok = pcall(coroutine.close, main) or pcall(coroutine.resume, main)") == .done)
        #expect(lua.global("ok") == "false")
    }

    @Test func `coroutine.yield outside a coroutine of the script's own is refused`() throws {
        let says = "coroutine.yield outside a coroutine of the script's own; to wait use sleep or await"
        #expect(try lua.run("coroutine.yield(1)").message == "test.lua:1: " + says)
        let later = "pcall(coroutine.yield) coroutine.wrap(function() coroutine.yield() end)() coroutine.yield()"
        #expect(try lua.run(later).message == "test.lua:1: " + says)
        lua.state.stack.push(try lua.state.compile("coroutine.yield()".utf8, name: "test.lua"))
        #expect(throws: LuaError.message("test.lua:1: " + says)) { try lua.state.call(arguments: 0, results: 0) }
    }

    @Test func `coroutine.yield under a host function does not reach past it`() throws {
        lua.define("spawn") { call throws(LuaError) in
            let coroutine = call.state.takeCoroutine()
            call.stack.move(1, to: coroutine.stack)
            let outcome = coroutine.resume(arguments: 0, from: call.stack)
            coroutine.end()
            throw .message(outcome.message ?? "no error")
        }
        let message = try lua.run("coroutine.wrap(function() spawn(function() coroutine.yield() end) end)()").message
        #expect(message?.contains("coroutine.yield outside a coroutine of the script's own") == true)
    }
}
