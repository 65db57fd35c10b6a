import Lua
import Testing

/// coroutine.* and xpcall are ours: where nothing waits and no time runs out, they are as Lua's.
@Suite struct CoroutineLibraryTests {
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
        let source = """
            function list(...)
                local t = table.pack(...)
                for i = 1, t.n do t[i] = tostring(t[i]) end
                return table.concat(t, ' ')
            end
            function closing(f) return setmetatable({}, { __close = f }) end
            """
        try lua.run(source)
    }

    @Test(arguments: [
        ("coroutine.resume(coroutine.create(function(...) return ... end), 1, nil, 'x')", "true 1 nil x"),
        ("coroutine.resume(coroutine.create(function() error('oops', 0) end))", "false oops"),
        ("coroutine.resume(coroutine.create(function() error() end))", "false nil"),
        ("coroutine.resume(coroutine.create(print), nil, nil) and 'printed'", "printed"),
        (
            """
            (function()
                local c = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b + 1 end)
                return list(coroutine.resume(c, 1)) .. list(coroutine.resume(c, 5)) .. list(coroutine.resume(c))
            end)()
            """,
            "true 2true 6false cannot resume dead coroutine"
        ),
        ("coroutine.wrap(function(...) return select('#', ...), ... end)(nil, 2)", "2 nil 2"),
        ("pcall(coroutine.wrap(function() error({}) end)) == false", "true"),
        ("pcall(coroutine.wrap(function() error('x', 0) end))", "false x"),
        ("pcall(function() coroutine.wrap(function() error('x', 0) end)() end)", "false test.lua:1: x"),
        (
            "(function() local w = coroutine.wrap(function() end) w() return pcall(w) end)()",
            "false cannot resume dead coroutine"
        ),
        ("coroutine.status(coroutine.create(print))", "suspended"),
        ("coroutine.wrap(function() return coroutine.status(coroutine.running()) end)()", "running"),
        (
            "(function() local c = coroutine.create(function() coroutine.yield() end) coroutine.resume(c) "
                + "return coroutine.close(c), coroutine.status(c) end)()", "true dead"
        ),
        (
            """
            (function()
                local c = coroutine.create(function()
                    local x <close> = closing(function() error('late', 0) end)
                    coroutine.yield()
                end)
                coroutine.resume(c)
                return list(coroutine.close(c)) .. ' ' .. list(coroutine.close(c))
            end)()
            """,
            "false late true"
        ),
        (
            "(function() local c = coroutine.create(error) coroutine.resume(c, 'x') return coroutine.close(c) end)()",
            "false x"
        ),
        ("coroutine.close(coroutine.create(print))", "true"),
        (
            """
            pcall(coroutine.wrap(function()
            local x <close> = closing(function(_, e) error(e .. '!', 0) end) error('a', 0) end))
            """,
            "false a!"
        ),
        ("select('#', coroutine.wrap(function() return table.unpack({}, 1, 200) end)())", "200"),
        ("select('#', coroutine.resume(coroutine.create(list), table.unpack({}, 1, 200)))", "2"),
        ("select(2, coroutine.running())", "false"),
        (
            "pcall(function() coroutine.create(5) end)",
            "false test.lua:1: bad argument #1 to 'create' (function expected, got number)"
        ),
        (
            "pcall(function() coroutine.resume(5) end)",
            "false test.lua:1: bad argument #1 to 'resume' (thread expected, got number)"
        ),
        (
            "pcall(function() coroutine.close({}) end)",
            "false test.lua:1: bad argument #1 to 'close' (thread expected, got table)"
        ),
        (
            "(function() local a, b a = coroutine.create(function() return coroutine.resume(b) end) "
                + "b = coroutine.create(function() return coroutine.resume(a) end) return coroutine.resume(a) end)()",
            "true true false cannot resume non-suspended coroutine"
        ),
    ])
    func `a coroutine function is as Lua's`(expression: String, result: String) throws {
        #expect(try lua.run("value = list(\(expression))") == .done)
        #expect(lua.global("value") == result)
    }

    @Test(arguments: [
        ("xpcall(function(...) return ... end, print, 1, nil, 'x')", "true 1 nil x"),
        ("xpcall(function() end, print)", "true"),
        ("xpcall(error, function(m) return m .. '!' end, 'x', 0)", "false x!"),
        ("xpcall(error, function(m) return type(m), 'more' end, {})", "false table"),
        ("xpcall(error, function() end, 'x')", "false nil"),
        ("xpcall(error, function(m) error(m .. '!', 0) end, 'x', 0)", "false x!"),
        (
            "xpcall(function() local x = nil; x() end, function(m) return m end)",
            "false test.lua:1: attempt to call a nil value (local 'x')"
        ),
        ("xpcall(xpcall, print, error, function(m) return m end, 'x', 0)", "true false x"),
        ("xpcall(function() return xpcall(error, error, 'x', 0) end, print)", "true false x"),
        ("pcall(xpcall)", "false bad argument #2 to 'xpcall' (function expected, got no value)"),
        ("pcall(xpcall, print)", "false bad argument #2 to 'xpcall' (function expected, got no value)"),
        ("pcall(xpcall, print, 5)", "false bad argument #2 to 'xpcall' (function expected, got number)"),
        ("xpcall(5, function(m) return m end)", "false attempt to call a number value"),
        ("select('#', xpcall(table.unpack, print, {}, 1, 200))", "201"),
        ("coroutine.wrap(function() return xpcall(coroutine.yield, print) end)()", ""),
        (
            """
            (function() local w = coroutine.wrap(function() return xpcall(error, coroutine.yield, 'x', 0) end)
            return w() .. list(w(7)) end)()
            """,
            "xfalse 7"
        ),
    ])
    func `xpcall is as Lua's`(expression: String, result: String) throws {
        #expect(try lua.run("value = list(\(expression))") == .done)
        #expect(lua.global("value") == result)
    }

    @Test func `an error inside an error handler ends`() throws {
        let source = """
            local function h() error('again', 0) end
            value = list(xpcall(error, h)) nest = list(xpcall(xpcall, h, h, h))
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "false again")
        #expect(lua.global("nest") == "true false again")
    }

    /// Lua 5.4.4 keeps the handler's stack slot after taking the stack away, and calls what is there then.
    @Test(arguments: [
        "coroutine.close(c)", "coroutine.resume(c) coroutine.resume(c)", "left = c",
    ])
    func `a coroutine suspended deep in xpcall can be closed by variables that fail`(end: String) throws {
        lua.defineWait()
        let source = """
            local c = coroutine.create(function()
                local x <close> = closing(function() collectgarbage() collectgarbage() error('x') end)
                local function deep(n)
                    if n > 0 then return (deep(n - 1)) end
                    xpcall(function() coroutine.yield() error('y') end, function(m) return m end)
                end
                deep(10000)
                error('z')
            end)
            coroutine.resume(c)
            \(end)
            collectgarbage()
            coroutine.wrap(function()
                local x <close> = closing(function() collectgarbage() collectgarbage() error('x') end)
                local function deep(n)
                    if n > 0 then return (deep(n - 1)) end
                    xpcall(wait, function(m) return m end)
                end
                deep(10000)
            end)()
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(coroutine.end() == "test.lua:14: x")
        #expect(try lua.run("value = 'after'") == .done)
    }
}
