import Lua
import Testing

/// However deep Lua and the host call each other, the C stack holds: too deep is an error.
@Suite(.timeLimit(.minutes(5))) struct NestingTests {
    let census = Census()
    let lua: LuaHarness
    /// How deep `spawn` and `call` stand in one another now, and at most.
    let depth = Depth()

    final class Depth {
        private(set) var now = 0
        private(set) var most = 0

        func enter() {
            now += 1
            most = max(most, now)
        }

        func leave() { now -= 1 }
    }

    init() throws {
        lua = try LuaHarness()
        let census = census
        let depth = depth
        _ = census.open(in: lua)
        func define(_ name: String, _ run: @escaping (LuaCall) throws(LuaError) -> Void) {
            lua.define(name) { call throws(LuaError) in
                let being = Census.Being(in: census)
                defer { withExtendedLifetime(being) {} }
                depth.enter()
                defer { depth.leave() }
                try run(call)
                return .none
            }
        }
        func spawn(_ call: LuaCall, from stack: LuaStack?) throws(LuaError) {
            let coroutine = call.state.takeCoroutine()
            call.stack.pushCopy(of: 1)
            call.stack.move(1, to: coroutine.stack)
            let outcome = coroutine.resume(arguments: 0, from: stack)
            coroutine.end()
            if outcome != .done { throw .message(outcome.message ?? "\(outcome)") }
        }
        define("spawn") { call throws(LuaError) in try spawn(call, from: call.stack) }
        define("careless") { call throws(LuaError) in try spawn(call, from: nil) }
        define("mistaken") { call throws(LuaError) in try spawn(call, from: call.state.stack) }
        define("call") { call throws(LuaError) in
            call.stack.pushCopy(of: 1)
            call.stack.move(1, to: call.state.stack)
            try call.state.call(arguments: 0, results: 0)
        }
    }

    private func expectItGoesOn() throws {
        #expect(depth.now == 0)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
        #expect(lua.state.stack.count == 0)
        #expect(try lua.run("spawn(function() call(function() value = 'after' end) end)") == .done)
        #expect(lua.global("value") == "after")
    }

    @Test(arguments: ["spawn", "careless", "mistaken", "call"], [1, 5, 150, 100_000])
    func `host functions in one another end well or in an error`(function: String, levels: Int) throws {
        let source = "local n = 0 local function f() n = n + 1 if n < \(levels) then \(function)(f) end end f()"
        let outcome = try lua.run(source)
        // Lua bears 200 C calls, and ten calls of the host's.
        if depth.most < levels - 1 {
            #expect(outcome.message?.hasSuffix("C stack overflow") == true)
            #expect(depth.most == (function == "call" ? 11 : 199))
        } else {
            #expect(outcome == .done)
            #expect(levels <= 150)
        }
        try expectItGoesOn()
    }

    static let deep = [
        "spawn(f)", "call(f)", "careless(f)", "pcall(spawn, f)", "coroutine.wrap(f)()", "coroutine.wrap(spawn)(f)",
        "spawn(function() call(f) end)", "call(function() spawn(f) end)", "coroutine.wrap(function() call(f) end)()",
        "string.gsub('x', 'x', function() spawn(f) end)",
        "call(function() coroutine.wrap(function() sink(150, f) end)() end)",
        "spawn(function() coroutine.wrap(function() sink(60, f) end)() end)", "sink(180, function() call(f) end)",
        "sink(90, function() careless(function() sink(90, function() call(f) end) end) end)",
        "sink(60, function() close(f) end)", "call(function() close(function() sink(60, f) end) end)", "close(f)",
        "close(function() spawn(function() close(f) end) end)", "tostring(setmetatable({}, { __tostring = f }))",
        "local t <close> = setmetatable({}, { __close = f })", "error(setmetatable({}, { __index = f }).x)", "load(f)",
        "table.sort({ 2, 1 }, function() xpcall(f, f) error() end)", "xpcall(error, f)", "pcall(f)", "f(pcall(f))",
        "return f()",
    ]

    @Test(arguments: deep)
    func `no nesting overflows the C stack`(step: String) throws {
        let source = """
            function sink(n, g) if n == 0 then g() else string.gsub('x', 'x', function() sink(n - 1, g) end) end end
            function close(g)
                local c = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = g }) coroutine.yield()
                end)
                coroutine.resume(c)
                coroutine.close(c)
            end
            local n = 0
            local function f() n = n + 1 if n < 3000 then \(step) end end
            pcall(f)
            """
        try lua.run(source, budget: .milliseconds(300))
        try expectItGoesOn()
    }

    @Test(arguments: ["close(earlier)", "pcall(coroutine.close, earlier)", "pcall(coroutine.wrap(close), earlier)"])
    func `coroutines whose variables close each other, prepared one by one, do not overflow it`(step: String) throws {
        let source = """
            function close(c) coroutine.close(c) end
            local last
            for _ = 1, 20000 do
                local earlier = last
                last = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function() if earlier then \(step) end end })
                    coroutine.yield()
                end)
                coroutine.resume(last)
            end
            closed, message = coroutine.close(last)
            """
        #expect(try lua.run(source) == .done)
        #expect(["true", "false"].contains(lua.global("closed")))
        try expectItGoesOn()
    }

    @Test func `coroutines that fail in one another, prepared one by one, do not overflow it`() throws {
        let source = """
            local last = function() error('first') end
            for _ = 1, 20000 do
                local earlier = last
                last = coroutine.wrap(function()
                    local x <close> = setmetatable({}, { __close = function() earlier() end })
                    coroutine.yield()
                    error('next')
                end)
                last()
            end
            value = pcall(last)
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "false")
        try expectItGoesOn()
    }

    @Test func `tasks that end each other in their variables do not overflow it`() throws {
        lua.defineWait()
        var tasks: [LuaCoroutine] = []
        var ends = 0
        lua.define("stop") { call in
            ends += 1
            if let next = tasks.popLast() { _ = next.end(within: .seconds(10)) }
            return .none
        }
        for _ in 0..<1000 {
            let (task, outcome) = try lua.start("local x <close> = setmetatable({}, { __close = stop }) wait()")
            #expect(outcome == .waiting)
            tasks.append(task)
        }
        #expect(tasks.popLast()?.end(within: .seconds(10)) == nil)
        #expect(ends < 1000)
        while let next = tasks.popLast() { _ = next.end() }
        try expectItGoesOn()
    }

    @Test func `source nested without end is an error`() throws {
        for piece in [
            "(", "{", "[", "function() ", "do ", "if x then ", "- ", "not ", "a.", "x = ",
            "(function() return ",
        ] {
            #expect(throws: LuaError.self) {
                try lua.state.compile(String(repeating: piece, count: 100_000).utf8, name: "deep.lua")
            }
        }
        try expectItGoesOn()
    }
}
