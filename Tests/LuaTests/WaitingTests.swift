import Lua
import Testing

@Suite struct WaitingTests {
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
        lua.defineWait()
    }

    /// Starts the source, answers its waits with the values in turn, and gives what it returns.
    private func results(of source: String, answers: [Int]) throws -> [String] {
        var (coroutine, outcome) = try lua.start(source)
        for answer in answers {
            #expect(outcome == .waiting)
            outcome = coroutine.resume(with: answer)
        }
        #expect(outcome == .done)
        return coroutine.results
    }

    @Test func `a host function that waits suspends, and what it is resumed with are its results`() throws {
        let (coroutine, outcome) = try lua.start("local a, b, c = wait('x') return c, b, a")
        #expect(outcome == .waiting)
        #expect(coroutine.resume(with: 1, 2) == .done)
        #expect(coroutine.results == ["nil", "2", "1"])
    }

    @Test func `a wait may be resumed with nothing`() throws {
        let (coroutine, outcome) = try lua.start("return select('#', wait(1, 2, 3))")
        #expect(outcome == .waiting)
        #expect(coroutine.resume() == .done)
        #expect(coroutine.results == ["0"])
    }

    @Test func `a script waits over and over`() throws {
        let source = "local sum = 0 for _ = 1, 5 do sum = sum + wait() end return sum"
        #expect(try results(of: source, answers: [1, 2, 3, 4, 5]) == ["15"])
    }

    /// Each waits once for 7 and gives 8.
    static let passing = [
        "return wait() + 1", "local ok, value = pcall(wait) return value + 1",
        "local ok, value = pcall(pcall, wait) return 8",
        "local ok, value = xpcall(wait, print) return value + 1",
        "local ok, value = xpcall(error, wait) return value + 1",
        "return select(2, xpcall(error, function() return wait() + 1 end))",
        "return coroutine.wrap(function() return wait() + 1 end)()", "return coroutine.wrap(wait)() + 1",
        "return select(2, coroutine.resume(coroutine.create(wait))) + 1",
        "local c = coroutine.wrap(function(a) local b = coroutine.yield(a) return wait() + b end) c(0) return c(1)",
        "local c = coroutine.wrap(function() coroutine.yield(wait()) end) return c() + 1",
        "for value in coroutine.wrap(function() coroutine.yield(wait() + 1) end) do return value end",
        "for value in function() return wait() + 1 end do return value end", "return load('return wait() + 1')()",
        "local t = setmetatable({}, { __index = function() return wait() + 1 end }) return t.x",
        "local t = setmetatable({}, { __index = wait }) return t.x + 1",
        """
        local t = setmetatable({}, { __newindex = function(t,
        k, v) rawset(t, k, wait() + v) end }) t.x = 1 return t.x
        """,
        "local t = setmetatable({}, { __call = function() return wait() + 1 end }) return t()",
        "local t = setmetatable({}, { __add = function(_, n) return wait() + n end }) return t + 1",
        "local t = setmetatable({}, { __concat = function(_, n) return wait() + n end }) return t .. 1",
        "local t = setmetatable({}, { __len = function() return wait() + 1 end }) return #t",
        """
        local t = setmetatable({}, { __eq = function() return wait() == 7 end })
        return t == setmetatable({}, {}) and 8
        """,
        "local t = setmetatable({}, { __lt = function() return wait() == 7 end }) return t < 1 and 8",
        "local t = setmetatable({}, { __le = function() return wait() == 7 end }) return 1 <= t and 8",
        "local v do local x <close> = setmetatable({}, { __close = function() v = wait() end }) end return v + 1",
        """
        local v pcall(function() local x <close> = setmetatable({}, { __close = function() v = wait() end })
        error() end) return v + 1
        """,
        "local v for _ in next, {}, nil, setmetatable({}, { __close = function() v = wait() end }) do end return v + 1",
        """
        local t = setmetatable({}, { __pairs = function() return next, { [wait()] = 1 } end })
        for k in pairs(t) do return k + 1 end
        """,
    ]

    @Test(arguments: passing)
    func `a wait passes`(source: String) throws {
        #expect(try results(of: source, answers: [7]) == ["8"])
    }

    static let nested = [
        "return coroutine.wrap(function() return coroutine.wrap(function() return coroutine.wrap(BODY)() end)() end)()",
        """
        local create, resume = coroutine.create, coroutine.resume
        return select(4, resume(create(function()
            return resume(create(function() return resume(create(BODY)) end))
        end)))
        """,
        """
        return coroutine.wrap(function()
            local ok, value = coroutine.resume(coroutine.create(function() return coroutine.wrap(BODY)() end))
            return value
        end)()
        """,
        """
        return coroutine.wrap(function()
            return select(3, pcall(pcall, coroutine.wrap(function()
                return select(2, xpcall(coroutine.wrap(BODY), function(problem) return problem end))
            end)))
        end)()
        """,
    ]

    @Test(arguments: nested)
    func `waits pass through three coroutines and their answers come back`(source: String) throws {
        let body = "function() local sum = 0 for _ = 1, 3 do sum = sum + wait() end return sum end"
        #expect(try results(of: source.replacing("BODY", with: body), answers: [1, 20, 300]) == ["321"])
    }

    @Test(arguments: nested)
    func `an error after a wait comes out of three coroutines`(source: String) throws {
        let body = "function() wait() error({ 5 }) end"
        let failing = source.replacing("BODY", with: body)
        let (coroutine, outcome) = try lua.start("local t = (function() \(failing) end)() return t[1]")
        #expect(outcome == .waiting)
        let ended = coroutine.resume(with: 1)
        #expect(ended == .done ? coroutine.results == ["5"] : ended.message?.hasPrefix("table: ") == true)
    }

    @Test func `a coroutine yields to its script between waits`() throws {
        let source = """
            local log = {}
            local function note(text) log[#log + 1] = text end
            local c = coroutine.create(function()
                note('got ' .. wait())
                note('given ' .. coroutine.yield('one'))
                note('got ' .. wait())
                coroutine.yield('two')
                return 'three'
            end)
            for _, given in ipairs({ 'a', 'b', 'c' }) do
                local _, value = coroutine.resume(c, given)
                note(value)
            end
            note(coroutine.status(c))
            return table.concat(log, ', ')
            """
        let expected = "got 1, one, given b, got 2, two, three, dead"
        #expect(try results(of: source, answers: [1, 2]) == [expected])
    }

    @Test func `coroutines that wait in turn do not mix up their answers`() throws {
        let source = "local a, b = wait() coroutine.wrap(function() c = wait() end)() return a, b, c"
        let (first, second) = (try lua.start(source).0, try lua.start(source).0)
        #expect(first.resume(with: 1, 2) == .waiting)
        #expect(second.resume(with: 10, 20) == .waiting)
        #expect(second.resume(with: 30) == .done)
        #expect(first.resume(with: 3) == .done)
        #expect(first.results == ["1", "2", "3"])
        #expect(second.results == ["10", "20", "30"])
    }

    @Test func `a coroutine given back runs the next function`() throws {
        let (coroutine, outcome) = try lua.start("return wait()")
        #expect(outcome == .waiting)
        #expect(coroutine.resume(with: 5) == .done)
        lua.state.giveBack(coroutine)
        let next = lua.state.takeCoroutine()
        #expect(next === coroutine)
        #expect(next.stack.count == 0)
        next.stack.push(try lua.state.compile("return wait() * 2".utf8, name: "next.lua"))
        #expect(next.resume(arguments: 0) == .waiting)
        #expect(next.resume(with: 21) == .done)
        #expect(next.results == ["42"])
    }

    @Test func `the traceback of a wait is that of the innermost coroutine`() throws {
        let source = "coroutine.wrap(function()\n coroutine.wrap(function()\n wait()\n end)()\n end)()"
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(coroutine.traceback().contains("test.lua:3: in function"))
        coroutine.end()
    }

    @Test func `garbage is collected around coroutines that wait`() throws {
        let source = """
            local t = { 'kept' } coroutine.wrap(function()
            local u = { t } wait() t[2] = u[1][1] end)() return t[2]
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        for _ in 0..<3 { lua.state.collectGarbage() }
        #expect(coroutine.resume() == .done)
        #expect(coroutine.results == ["kept"])
    }
}
