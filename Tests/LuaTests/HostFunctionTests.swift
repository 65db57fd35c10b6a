import Lua
import Testing

/// Host functions used as nobody should.
@Suite struct HostFunctionTests {
    let census = Census()
    let lua: LuaHarness
    let beings: LuaClass<Census.Being>

    init() throws {
        lua = try LuaHarness()
        beings = census.open(in: lua)
        lua.define("echo", 0...1000) { call in .results(call.count) }
        lua.define("careless", 0...9) { _ in .wait }  // does not ask whether it can
    }

    @Test func `arguments and results pass as they are`() throws {
        let source = """
            local t = { echo(1, 'a', nil, true, 2.5) }; value = #t .. tostring(t[3]) .. t[2] .. tostring(t[5])
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "5nila2.5")
    }

    @Test func `many results need no room asked for`() throws {
        lua.define("count") { call throws(LuaError) in
            let last = try call.integer(1, "last")
            for number in 0..<last { call.stack.push(number) }
            return .results(last)
        }
        let source = "value = select('#', count(0)) + select('#', count(1000)) + select(-1, count(30000))"
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "30999")
    }

    @Test func `a stack that is asked for too much room says no`() throws {
        lua.define("greedy") { call throws(LuaError) in
            try call.stack.reserve(2_000_000)
            return .none
        }
        #expect(try lua.run("greedy()").message == "test.lua:1: greedy: stack overflow")
    }

    @Test func `every kind of value pushed at once makes its own room`() throws {
        let stack = lua.state.stack
        let being = Census.Being(in: census)
        stack.pushTable()
        let reference = lua.state.popReference(from: stack)
        for number in 0..<500 {
            stack.push(number)
            stack.push("text")
            stack.push(true)
            stack.push(0.5)
            stack.pushNil()
            stack.push(reference)
            stack.pushElement(1, of: -1)
            stack.pushTable()
            stack.pushField("name", of: -1)
            stack.pushCopy(of: -2)
            lua.state.pushGlobal("print")
            beings.push(being, on: stack)
            lua.state.pushFunction("f", arguments: 0...0) { _ in .none }
        }
        #expect(stack.count == 500 * 13)
        lua.state.collectGarbage()
        stack.truncate(to: 0)
    }

    static let places = [
        "table.sort({ 3, 2, 1 }, careless)", "string.gsub('abc', '.', careless)", "load(careless)",
        "tostring(setmetatable({}, { __tostring = careless }))",
        "table.concat(setmetatable({}, { __index = careless }), '', 1, 3)",
        "table.sort({ 3, 2, 1 }, function() coroutine.wrap(careless)() end)",
        "table.sort({ 3, 2, 1 }, function() coroutine.wrap(function() careless() end)() end)",
        "string.gsub('abc', '.', function() return pcall(careless) or error('refused') end)",
    ]

    @Test(arguments: places)
    func `a wait without asking is refused where Lua cannot wait`(source: String) throws {
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome != .waiting)
        #expect(outcome.message?.contains("time budget") != true)
        coroutine.end()
        #expect(try lua.run("value = 1 + 1") == .done)
    }

    @Test func `a wait without asking is refused inside a call of the host's`() throws {
        lua.state.pushGlobal("careless")
        #expect(throws: LuaError.self) { try lua.state.call(arguments: 0, results: 0) }
        lua.state.pushGlobal("careless")
        lua.state.setGlobal("inner")
        let chunk = try lua.state.compile("coroutine.wrap(inner)()".utf8, name: "x.lua")
        lua.state.stack.push(chunk)
        #expect(throws: LuaError.self) { try lua.state.call(arguments: 0, results: 0) }
        #expect(lua.state.stack.count == 0)
    }

    static let everywhere = [
        "echo(echo)", "echo(echo(echo()))", "for a in echo do break end",
        "setmetatable({}, { __index = echo }).x = echo",
        "local t = setmetatable({}, { __index = echo, __call = echo, __len = echo, __unm = echo, __close = echo }) "
            + "local a, b, c, d = t.x, t(1), #t, -t local x <close> = t",
        "table.sort({ 2, 1 }, echo)", "string.gsub('x', 'x', echo)", "load(echo)", "pcall(echo, echo)",
        "xpcall(echo, echo)",
        "xpcall(error, echo, {})", "coroutine.wrap(echo)(echo)", "coroutine.close(coroutine.create(echo))",
        "echo(table.unpack({}, 1, 900))", "echo(coroutine.running())", "string.rep(echo, 3)", "echo.x = 1", "echo()()",
        "new().number(echo)", "new():meet(echo)", "echo(new(), new().number)(new())", "coroutine.wrap(new)(1):number()",
        "local c = coroutine.wrap(function() return echo(coroutine.yield(echo)) end) c() c(1)",
        "local b = new() b.name = b.name .. tostring(b) b:add(b.age, b.age)", "new():add(1, 2, 3, 4)",
        "for _ = 1, 50 do pcall(new().add) pcall(new().meet, new()) pcall(new) end",
        "local t = {} t[1] = t echo(t, t[1]) rawset(t, echo, new) echo(next(t))", "echo(string.rep('x', 1e6))",
    ]

    @Test(arguments: everywhere)
    func `host functions bear being called from everywhere`(source: String) throws {
        try lua.run(source)
        try lua.run("coroutine.wrap(function() pcall(function() \(source) end) end)()")
        #expect(try lua.run("value = new(8):number()") == .done)
        #expect(lua.global("value") == "8")
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `a coroutine that is running is neither resumed nor ended by the host`() throws {
        var running: LuaCoroutine?
        var seen: [String?] = []
        lua.define("disturb") { call in
            seen.append(running?.resume(arguments: 0).message)
            seen.append(running?.end())
            return call.returning(12)
        }
        running = lua.state.takeCoroutine()
        let chunk = try lua.state.compile("return disturb() + coroutine.wrap(disturb)()".utf8, name: "test.lua")
        running?.stack.push(chunk)
        lua.state.startBudget(.seconds(1))
        #expect(running?.resume(arguments: 0) == .done)
        #expect(running?.results == ["24"])
        let refusals = ["cannot resume non-suspended coroutine", "cannot end a coroutine that is running"]
        #expect(seen == refusals + refusals)
    }

    @Test func `a definition is told for Lua functions and leaves the arguments alone`() throws {
        var places: [String] = []
        lua.define("where", 2...2) { call in
            let place = call.definition(1)
            places.append(place.map { "\($0.source):\($0.line)" } ?? "none")
            return .results(call.count)
        }
        #expect(try lua.run("\nlocal function f()\nend\nlocal a, b = where(f, 5); value = b") == .done)
        #expect(lua.global("value") == "5")
        #expect(try lua.run("local a, b = where(print, 6); value = b") == .done)
        #expect(lua.global("value") == "6")
        #expect(try lua.run("local a, b = where('text', 7); value = b") == .done)
        #expect(lua.global("value") == "7")
        #expect(places == ["test.lua:2", "none", "none"])
    }
}
