import Lua
import Testing

/// Lua drops a finalizer that it cannot call for want of stack or memory; the objects die all the same.
@Suite struct LostFinalizerTests {
    let census = Census()
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
        _ = census.open(in: lua)
    }

    @Test(arguments: 185...200)
    func `objects collected where the C stack ends die`(depth: Int) throws {
        let source = """
            local function deep(n)
                if n > 0 then return string.gsub('x', 'x', function() deep(n - 1) end) end
                for i = 1, 100 do new(i) end
                collectgarbage()
            end
            pcall(deep, \(depth))
            """
        #expect(try lua.run(source) == .done)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `objects collected where the stack ends die`() throws {
        let source = """
            for n = 1, 40 do
                local arguments = table.pack(table.unpack({}, 1, n))
                local function deep(...)
                    for i = 1, 20 do new(i) end
                    collectgarbage('step', 1)
                    return 1 + deep(table.unpack(arguments, 1, n))
                end
                pcall(deep)
            end
            """
        try lua.run(source, budget: .milliseconds(200))
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test(arguments: 0..<40)
    func `objects collected while memory is refused die`(count: Int) throws {
        lua.define("refuse") { call in
            call.state.refuseMemory(after: count)
            return .none
        }
        lua.define("allow") { call in
            call.state.refuseMemory(after: nil)
            return .none
        }
        let source = """
            local function deep(n)
                if n > 0 then return deep(n - 1), n end
                refuse()
                collectgarbage()
                collectgarbage('step', 100)
            end
            for n = 0, 60 do
                new(n)
                pcall(deep, n)
                allow()
            end
            """
        #expect(try lua.run(source) == .done)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `objects whose finalizers were lost die soon, without being asked for`() throws {
        let source = """
            local function deep(n)
                if n > 0 then return string.gsub('x', 'x', function() deep(n - 1) end) end
                for i = 1, 100 do new(i) end
                collectgarbage()
            end
            for n = 180, 200 do pcall(deep, n) end
            """
        for _ in 0..<5 {
            let coroutine = lua.state.takeCoroutine()
            coroutine.stack.push(try lua.state.compile(source.utf8, name: "test.lua"))
            #expect(coroutine.resume(arguments: 0) == .done)
            lua.state.giveBack(coroutine)
            #expect(census.alive == 0)
        }
    }

    @Test func `objects whose finalizers were lost die when the state is closed`() throws {
        let census = Census()
        do {
            let lua = try LuaHarness()
            lua.defineWait()
            _ = census.open(in: lua)
            let source = """
                kept = {}
                local function deep(n)
                    if n > 0 then return string.gsub('x', 'x', function() deep(n - 1) end) end
                    for i = 1, 100 do new(i) kept[i] = new(i) end
                    collectgarbage()
                end
                for n = 180, 200 do pcall(deep, n) end
                """
            #expect(try lua.run(source) == .done)
            #expect(try lua.run("value = kept[1]:number() + kept[100]:number()") == .done)
            #expect(lua.global("value") == "101")
        }
        #expect(census.alive == 0)
    }
}
