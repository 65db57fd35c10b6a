import Lua
import Testing

/// Refuses memory at each place of a workload in turn.
@Suite struct RefusedMemoryTests {
    /// Steps of a workload; each must bear to be broken off at any allocation.
    static let steps = [
        """
        local t = {} for i = 1, 20 do t[i] = i .. 'x' t['k' .. i] = i end
        table.sort(t, function(a, b) return a > b end)
        """,
        """
        local s = '' for i = 1, 12 do s = s .. i end
        return s:rep(9):gsub('%d', function(d) return d .. '!' end):upper()
        """,
        "local t = {} for i = 1, 60 do t[i] = 'a' .. i end return #table.concat(t, ', '), table.unpack(t)",
        "local fs = {} for i = 1, 10 do fs[i] = function() fs[i] = i return fs[i] end end for i = 1, 10 do fs[i]() end",
        """
        local co = coroutine.wrap(function(a) for i = 1, 9 do a = coroutine.yield(a .. i) end end)
        for i = 1, 9 do co('v') end
        """,
        """
        local co = coroutine.create(function() error({ 'x' }) end)
        coroutine.resume(co) coroutine.resume(co) coroutine.close(co)
        """,
        "coroutine.wrap(function() local x <close> = closing(function() return {} end) error('boom') end)()",
        """
        local co = coroutine.create(function()
        local x <close> = closing(function() error('y' .. 1) end) coroutine.yield() end)
        """
            + "coroutine.resume(co) coroutine.resume(coroutine.running()) coroutine.close(co)",
        """
        xpcall(function() local x <close> = closing(function() return {} end)
        error({}) end, function(m) return m .. 'x' end)
        """,
        "local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end return deep(500)",
        "local function nest() return pcall(string.gsub, 'a', 'a', nest) end nest()",
        "local function nest() coroutine.wrap(nest)() end nest()",
        "return load('local a, b = ... return function() return a, b, { a = \"text\", [b] = {} } end')(1, 2)()",
        "local n = 0 load(function() n = n + 1 return n < 9 and 'x = 1 ' or nil end)()",
        "return ('%s %q %5.2f'):format(setmetatable({}, { __tostring = function() return 'a' .. 1 end }), 'q\\n', 1.5)",
        """
        local t = setmetatable({}, { __index = function(t, k) t[k] = k .. k return t[k] end })
        return t.a, t.b, t.c .. t.d
        """,
        """
        local b = new(4) b.name = 'being' .. b.age
        b.own = { b } return b:add(1) + b:number(), tostring(b), b.name, b.own
        """,
        "new():add('x')", "new().age = 1", "new().number()", "refuse()", "return pcall(refuse), pcall(new)",
        "spawn(function() spawn(function() new().x = {} error('deep' .. 1) end) end)",
        "call(function() return { new() } end)",
        "spawn(function() local b = new() coroutine.wrap(function() local x <close> = closing(new) wait(b) end)() end)",
    ]

    /// The state under test, with host functions that hold objects while Lua runs under them.
    private struct Subject {
        let census = Census()
        let lua: LuaHarness

        init() throws {
            lua = try LuaHarness()
            let census = census
            _ = census.open(in: lua, ownFields: true)
            lua.defineWait()
            lua.define("heal") { call in
                call.state.refuseMemory(after: nil)
                return .none
            }
            lua.define("refuse") { call throws(LuaError) in
                withExtendedLifetime(Census.Being(in: census)) {}
                throw .message("refused")
            }
            lua.define("call") { call throws(LuaError) in
                let being = Census.Being(in: census)
                defer { withExtendedLifetime(being) {} }
                call.stack.move(1, to: call.state.stack)
                try call.state.call(arguments: 0, results: 0)
                return .none
            }
            lua.define("spawn") { call in
                let being = Census.Being(in: census)
                defer { withExtendedLifetime(being) {} }
                let coroutine = call.state.takeCoroutine()
                call.stack.move(1, to: coroutine.stack)
                _ = coroutine.resume(arguments: 0, from: call.stack)
                coroutine.end()
                return .none
            }
            try lua.run("function closing(f) return setmetatable({}, { __close = f }) end")
        }

        func expectWellAfterwards(_ count: Int) throws {
            lua.state.refuseMemory(after: nil)
            #expect(lua.state.stack.count == 0, "refused after \(count)")
            #expect(try lua.run("local t = {} for i = 1, 100 do t[i] = new(i) end value = t[100]:number()") == .done)
            #expect(lua.global("value") == "100", "refused after \(count)")
            lua.state.collectGarbage()
            #expect(census.alive == 0, "refused after \(count)")
        }
    }

    /// How a step that is refused memory for good ends: by itself (its own error, or in time), or for want of memory.
    @Test(arguments: steps)
    func `a step refused memory at any place ends, and the state goes on`(step: String) throws {
        let subject = try Subject()
        let chunk = try subject.lua.state.compile(step.utf8, name: "step.lua")
        for count in 0..<160 {
            let coroutine = subject.lua.state.takeCoroutine()
            coroutine.stack.push(chunk)
            subject.lua.state.startBudget(.seconds(10))
            subject.lua.state.refuseMemory(after: count)
            _ = coroutine.resume(arguments: 0)
            coroutine.end()
            try subject.expectWellAfterwards(count)
        }
    }

    @Test func `a workload that recovers from the first refusal goes on from any place`() throws {
        let protected = Self.steps.map { "pcall(function() \($0) end) heal()" }.joined(separator: "\n")
        for count in 0..<600 {
            let subject = try Subject()
            subject.lua.state.refuseMemory(after: count)
            let chunk = try? subject.lua.state.compile(protected.utf8, name: "workload.lua")
            subject.lua.state.refuseMemory(after: nil)
            guard let chunk else { continue }  // refused while it was compiled
            subject.lua.state.refuseMemory(after: count)
            let coroutine = subject.lua.state.takeCoroutine()
            coroutine.stack.push(chunk)
            subject.lua.state.startBudget(.seconds(10))
            let outcome = coroutine.resume(arguments: 0)
            #expect(outcome == .done || outcome.isOutOfMemory, "refused after \(count)")
            coroutine.end()
            try subject.expectWellAfterwards(count)
        }
    }

    @Test func `source refused memory while it is compiled is an error`() throws {
        let lua = try LuaHarness()
        let source = "local function f(a, b) return { a, b, 'some text', [a .. b] = 1.5 } end return f(1, 2)"
        var refused = 0
        for count in 0..<200 {
            lua.state.refuseMemory(after: count)
            do { _ = try lua.state.compile(source.utf8, name: "x.lua") } catch {
                #expect(error == .message("not enough memory"))
                refused += 1
            }
            lua.state.refuseMemory(after: nil)
            #expect(lua.state.stack.count == 0)
        }
        #expect(refused > 5)
        #expect(refused < 200)
    }

    @Test(arguments: [
        "coroutine.resume(dead)", "coroutine.close(dead)", "coroutine.resume(coroutine.running())",
        "coroutine.resume(late)",
        "pcall(coroutine.wrap(error))", "xpcall(coroutine.resume, error, dead)", "late()", "coroutine.close(suspended)",
        "local function nest() coroutine.wrap(nest)() end pcall(nest) pcall(coroutine.resume, dead)",
    ])
    func `resuming and closing coroutines needs no memory that could be refused`(step: String) throws {
        let setUp = """
            dead = coroutine.create(error); coroutine.resume(dead)
            late = coroutine.wrap(function() local x <close> = setmetatable({}, { __close = error }) error() end)
            suspended = coroutine.create(function()
                local x <close> = setmetatable({}, { __close = error })
                coroutine.yield()
            end)
            coroutine.resume(suspended)
            function step() \(step) end
            """
        for count in 0..<24 {
            let lua = try LuaHarness()
            #expect(try lua.run(setUp) == .done)
            let chunk = try lua.state.compile("pcall(step)".utf8, name: "x.lua")
            let coroutine = lua.state.takeCoroutine()
            coroutine.stack.push(chunk)
            lua.state.refuseMemory(after: count)
            _ = coroutine.resume(arguments: 0)
            coroutine.end()
            lua.state.refuseMemory(after: nil)
            #expect(try lua.run("value = 1") == .done)
        }
    }
}
