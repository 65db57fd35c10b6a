import Lua
import Testing

/// A longjmp over a Swift frame would leave the objects in it alive for ever.
@Suite struct ErrorLeakTests {
    let census = Census()
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness(memoryLimit: 8 << 20)
        let beings = census.open(in: lua)
        let census = census

        lua.define("refuse") { call throws(LuaError) in
            let first = Census.Being(in: census)
            let second = Census.Being(in: census)
            beings.push(first, on: call.stack)
            withExtendedLifetime(second) {}
            throw .message("refused")
        }
        lua.define("raise") { call in
            let being = Census.Being(in: census)
            beings.push(being, on: call.stack)
            return .raise
        }
        // Both hold an object in their frame while Lua runs under them.
        lua.define("call") { call throws(LuaError) in
            let being = Census.Being(in: census)
            defer { withExtendedLifetime(being) {} }
            call.stack.pushCopy(of: 1)
            call.state.stack.push(call.state.popReference(from: call.stack))
            try call.state.call(arguments: 0, results: 0)
            return .none
        }
        lua.define("spawn") { call throws(LuaError) in
            let being = Census.Being(in: census)
            defer { withExtendedLifetime(being) {} }
            call.stack.pushCopy(of: 1)
            let coroutine = call.state.takeCoroutine()
            coroutine.stack.push(call.state.popReference(from: call.stack))
            let outcome = coroutine.resume(arguments: 0, from: call.stack)
            coroutine.end()
            switch outcome {
            case .done, .waiting: return .none
            case .overtime(let place): throw .message(place)
            case .failed(let message, _): throw .message(message)
            case .outOfMemory: throw .message("not enough memory")
            }
        }
        lua.defineWait()
    }

    private func expectNoneAlive(_ sourceLocation: SourceLocation = #_sourceLocation) {
        lua.state.collectGarbage()
        #expect(census.alive == 0, sourceLocation: sourceLocation)
    }

    @Test(arguments: ["refuse()", "raise()", "pcall(refuse)", "pcall(raise)", "coroutine.wrap(refuse)()"])
    func `a host function that throws leaves no object alive`(source: String) throws {
        try lua.run(source)
        expectNoneAlive()
    }

    @Test func `a thrown error comes out with place and function`() throws {
        #expect(try lua.run("\nrefuse()").message == "test.lua:2: refuse: refused")
        #expect(try lua.run("ok, message = pcall(refuse)") == .done)
        #expect(lua.global("message") == "test.lua:1: refuse: refused")
    }

    @Test func `a raised value comes out as it is`() throws {
        #expect(try lua.run("local ok, being = pcall(raise); kind = ok or being:number()") == .done)
        #expect(lua.global("kind") == "0")
        expectNoneAlive()
    }

    static let errors = [
        "error('oops')", "error({})", "error()", "local x = nil; x()", "local x = {} + 1", "refuse()", "raise()",
        "new():add('x')", "new().name = 5", "error(new())",
        "local t = setmetatable({}, { __index = refuse }); t.x = t.x",
        "local x <close> = setmetatable({}, { __close = refuse })", "string.rep()", "coroutine.yield()",
        "local function f() return 1 + f() end f()", "('x'):rep(1 << 40)",
        "local t = {}; while true do t[#t + 1] = { #t } end", "local s = 'x'; while true do s = s .. s end",
        "while true do end",
    ]
    static let frames = [
        "call(function() %@ end)", "spawn(function() %@ end)",
        "call(function() spawn(function() call(function() %@ end) end) end)",
        "spawn(function() pcall(call, function() spawn(function() %@ end) end) end)",
        """
        spawn(function() coroutine.wrap(function()
        call(function() coroutine.wrap(function() %@ end)() end) end)() end)
        """,
        "table.sort({ 1, 2 }, function() spawn(function() %@ end) end)",
        "pcall(string.gsub, 'x', 'x', function() call(function() %@ end) end)",
        "local x <close> = setmetatable({}, { __close = function() call(function() %@ end) end })",
    ]

    @Test(arguments: errors, frames)
    func `an error in Lua under host frames leaks no object`(error: String, frame: String) throws {
        let source = frame.replacing("%@", with: error)
        try lua.run(source, budget: .milliseconds(50))
        expectNoneAlive()
        #expect(try lua.run("x = new(3):number()") == .done)
        #expect(lua.global("x") == "3")
    }

    @Test func `an error met by a pcall under host frames is handed on by each of them`() throws {
        let outcome = try lua.run("call(function()\n spawn(function()\n error('deep')\n end)\n end)")
        #expect(outcome.message == "test.lua:1: call: test.lua:2: spawn: test.lua:3: deep")
        expectNoneAlive()
    }

    @Test func `ending a coroutine that waits under a host frame lets its objects go`() throws {
        let source = """
            local mine = new(); coroutine.wrap(function() local yours = new(); wait(mine, yours, new()) end)()
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(census.alive == 3)
        #expect(coroutine.end() == nil)
        expectNoneAlive()
    }
}
