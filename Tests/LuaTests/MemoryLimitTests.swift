import Lua
import Testing

@Suite struct MemoryLimitTests {
    static let limit = 8 << 20
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness(memoryLimit: Self.limit)
    }

    static let bombs = [
        "local t = {} while true do t[#t + 1] = {} end", "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} for i = 1, 1e9 do t['key' .. i] = true end", "local t for i = 1, 1e9 do t = { t } end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end",
        "local t = {} while true do t[#t + 1] = function() return t end end",
        "local f = print while true do local g = f f = function() return g end end",
        "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
        "local t = {} while true do t[#t + 1] = coroutine.wrap(function() coroutine.yield() end) t[#t]() end",
        "local t = {} while true do t[#t + 1] = string.rep('x', 1 << 20) .. #t end", "return string.rep('x', 8 << 20)",
        "return ('x'):rep(5 << 20):rep(2)",
        "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1000) end return table.concat(t, (' '):rep(20000))",
        "return ('x'):rep(1 << 20):gsub('x', '0123456789')",
        "return ('x'):rep(1 << 20):gsub('x', function(x) return 'abcdefghij' end)",
        "local t = {} while true do t[#t + 1] = table.pack(table.unpack({}, 1, 1000)) end",
        "load(function() return '{' end)", "load(function() return 'x = 1 ' end)",
        "load(function() return 'aaaaaaaaaaaaaaaa' end)",
        """
        local t = setmetatable({}, { __index = function(t, k) t[k] = {} return t[k] end })
        for i = 1, 1e9 do local x = t[i] end
        """,
        "local t = setmetatable({}, { __mode = 'k' }) local l for i = 1, 1e9 do l = { l } t[l] = {} end",
        "return io.open('/dev/zero'):read('a')", "return string.pack('c' .. (64 << 20), 'x')",
        "local t = {} while true do t[#t + 1] = utf8.char(table.unpack({ 65, 66, 67 })) .. #t end",
    ]

    private func expectItGoesOn() throws {
        lua.state.collectGarbage()
        #expect(lua.state.memoryUsed < Self.limit / 4)
        #expect(try lua.run("local t = {} for i = 1, 1000 do t[i] = { i .. 'x' } end value = #t") == .done)
        #expect(lua.global("value") == "1000")
    }

    /// What the compiler meets in the text that `load` reads is the result of `load`, not raised.
    private func ends(_ outcome: LuaCoroutine.Outcome, _ bomb: String) -> Bool {
        outcome.isOutOfMemory || (bomb.hasPrefix("load(") && outcome == .done)
    }

    @Test(arguments: bombs)
    func `a bomb ends for want of memory and the state goes on`(bomb: String) throws {
        let outcome = try lua.run(bomb)
        #expect(ends(outcome, bomb), "\(outcome)")
        #expect(lua.state.memoryUsed < Self.limit + 4096)
        try expectItGoesOn()
    }

    @Test(arguments: bombs)
    func `a script catches the error of a bomb and goes on`(bomb: String) throws {
        #expect(try lua.run("ok, message = pcall(function() \(bomb) end) value = ('x'):rep(10)") == .done)
        if !bomb.hasPrefix("load(") {
            #expect(lua.global("ok") == "false")
            #expect(lua.global("message") == "not enough memory")
        }
        #expect(lua.global("value") == "xxxxxxxxxx")
        try expectItGoesOn()
    }

    @Test(arguments: bombs)
    func `a bomb in a script's own coroutine ends that coroutine`(bomb: String) throws {
        let source = """
            local function go() return coroutine.resume(coroutine.create(function() \(bomb) end)) end
            ok = go() value = 'after'
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "after")
        try expectItGoesOn()
    }

    @Test func `a bomb that leaves garbage as it grows ends for want of memory or of time`() throws {
        let source = "local t = {} while true do t[#t + 1] = load('return ' .. #t .. ', \"some text\"') end"
        let outcome = try lua.run(source, budget: .milliseconds(500))
        #expect(outcome.isOutOfMemory || outcome == .overtime(place: "test.lua:1"))
        try expectItGoesOn()
    }

    @Test func `an endless recursion ends with an error that a script may catch`() throws {
        let outcome = try lua.run("local function f() return 1 + f() end f()")
        #expect(outcome.isOutOfMemory || outcome.message?.contains("stack overflow") == true)
        #expect(try lua.run("local function f() return 1 + f() end value = pcall(f)") == .done)
        #expect(lua.global("value") == "false")
        try expectItGoesOn()
    }

    @Test func `the traceback says where memory ran out`() throws {
        let outcome = try lua.run("\n\nlocal s = 'x' while true do s = s .. s end")
        #expect(outcome.traceback?.contains("test.lua:3: in main chunk") == true)
    }

    @Test func `host code passes the limit and is answered for afterwards`() throws {
        var pushed = 0
        lua.define("fetch") { call in
            call.stack.push(String(repeating: "x", count: 2 * Self.limit))
            pushed += 1
            return .results(1)
        }
        #expect(try lua.run("value = #fetch()").isOutOfMemory)
        #expect(pushed == 1)
        #expect(try lua.run("ok, message = pcall(fetch)") == .done)
        #expect(lua.global("ok") == "false")
        #expect(lua.global("message") == "not enough memory")
        try expectItGoesOn()
    }

    @Test func `what host code took and left for collection is not held against the script`() throws {
        lua.define("work") { call in
            call.stack.push(String(repeating: "x", count: 2 * Self.limit))
            call.stack.pop()
            return .none
        }
        #expect(try lua.run("for _ = 1, 10 do work() end value = 'done'") == .done)
        #expect(lua.global("value") == "done")
        try expectItGoesOn()
    }

    @Test func `what the host keeps over the limit stops scripts until it lets go`() throws {
        let chunk = try lua.state.compile("local t = {}".utf8, name: "test.lua")
        let coroutine = lua.state.takeCoroutine()
        coroutine.stack.push(chunk)
        lua.state.startBudget(.seconds(10))
        lua.state.stack.push(String(repeating: "x", count: 2 * Self.limit))
        #expect(coroutine.resume(arguments: 0).isOutOfMemory)
        coroutine.end()
        lua.state.giveBack(coroutine)
        #expect(throws: LuaError.message("not enough memory")) { try lua.state.compile("x = 1".utf8, name: "late.lua") }
        #expect(lua.state.stack.count == 1)
        lua.state.stack.pop()
        lua.state.collectGarbage()
        try expectItGoesOn()
    }

    @Test func `the limit holds for Lua code under host code`() throws {
        lua.define("call") { call throws(LuaError) in
            call.stack.move(1, to: call.state.stack)
            try call.state.call(arguments: 0, results: 0)
            return .none
        }
        let outcome = try lua.run("call(function() local s = 'x' while true do s = s .. s end end)")
        #expect(outcome.message == "test.lua:1: call: not enough memory")
        try expectItGoesOn()
    }

    /// The trampoline meets a full stack only where a call of the host function just fits; one of these does.
    @Test(arguments: 0..<8)
    func `a stack that overflows at a host function does not lift the limit`(arguments: Int) throws {
        let lua = try LuaHarness(memoryLimit: 64 << 20)
        lua.define("ignore", 0...9) { _ in .none }
        let source = """
            local list = table.pack(table.unpack({}, 1, \(arguments)))
            local function arguments() return table.unpack(list, 1, \(arguments)) end
            local function fall(a, b, c) ignore(arguments()) return (fall()) end
            ok, message = pcall(fall)
            local t = {} for i = 1, 20 do t[i] = ('x'):rep(5 << 20) .. i end
            """
        #expect(try lua.run(source).isOutOfMemory)
        #expect(lua.global("ok") == "false")
    }

    @Test func `a raised limit is used and a lowered one holds`() throws {
        lua.state.setMemoryLimit(64 << 20)
        #expect(try lua.run("big = ('x'):rep(20 << 20)") == .done)
        #expect(lua.state.memoryUsed > 20 << 20)
        lua.state.setMemoryLimit(Self.limit)
        #expect(throws: LuaError.message("not enough memory")) { try lua.run("big = nil") }
        lua.state.stack.pushNil()
        lua.state.setGlobal("big")
        try expectItGoesOn()
    }
}
