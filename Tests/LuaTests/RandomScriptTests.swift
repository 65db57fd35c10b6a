import Lua
import Testing

/// Scripts put together at random: whatever they do, the state goes on.
@Suite(.timeLimit(.minutes(5))) struct RandomScriptTests {
    /// A generator with a fixed seed, so that a failure comes again.
    private struct Dice {
        private var state: UInt64

        init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) &* 0x9E37_79B9_7F4A_7C15 | 1 }

        mutating func roll(_ sides: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(sides))
        }

        mutating func pick<Element>(from list: [Element]) -> Element { list[roll(list.count)] }
    }

    /// `%e` is an expression, `%b` a block, `%f` a function.
    private static let statements = [
        "v = %e", "w = %e", "t[%e] = %e", "local v <const> = %e", "local x <close> = closing(%f)", "do %b end",
        "%f(%e)", "pcall(%f, %e)",
        "if %e then %b else %b end", "for i = 1, 3 do %b end", "for k, v in pairs(t) do %b break end", "xpcall(%f, %f)",
        "while v do %b break end", "repeat %b until true", "goto on %b ::on::", "spawn(%f)", "call(%f)", "wait(%e)",
        "error(%e)",
        "coroutine.wrap(%f)(%e)", "c = coroutine.create(%f)", "coroutine.resume(c, %e)", "coroutine.close(c)",
        "coroutine.yield(%e)",
        "table.sort({ 3, 1, 2 }, %f)", "string.gsub('abc', '.', %f)", "load(%f)", "collectgarbage()",
        "t = setmetatable({}, { __index = %f, __close = %f, __call = %f, __len = %f, __tostring = %f })",
        "collectgarbage('step')", "v.x = %e", "v:add(%e)", "v:number()", "b.name = %e", "b[%e] = %e", "end_it(%f)",
        "t = {}", "throw(%e)",
        "table.insert(t, %e)", "table.remove(t)", "w = table.concat(t)", "w = table.pack(table.unpack(t))",
        "for i in %f do %b break end",
        "assert(load('return ...'))(%e)", "b = new(%e)", "local function f() return f() end f = nil",
        "c = coroutine.running()", "hold(%e)",
        "while true do %b end", "local function f(n) return n + f(n + 1) end pcall(f, 1)", "w = ('x'):rep(1 << 20)",
        "drop()",
    ]
    private static let expressions = [
        "nil", "true", "1", "-1.5", "'text'", "{}", "t", "v", "w", "c", "b", "#t", "t.x", "t[1]", "v == w", "v .. w",
        "v + 1", "-v", "%f", "%f()",
        "new(1)", "b.name", "b.age", "b.number", "b:add(1)", "tostring(%e)", "select('#', %e, %e)",
        "coroutine.running()", "wait()", "pcall(%f)",
        "{ %e, %e }", "coroutine.wrap(%f)", "coroutine.isyieldable()", "v and %e or %e", "(%f)(%e)", "next(t)",
        "type(%e)", "math.huge", "held()",
    ]

    private static func fill(_ text: String, _ dice: inout Dice, depth: Int) -> String {
        var filled = ""
        var rest = Substring(text)
        while let mark = rest.firstIndex(of: "%") {
            filled += rest[..<mark]
            let kind = rest[rest.index(after: mark)]
            rest = rest[rest.index(mark, offsetBy: 2)...]
            switch kind {
            case "e": filled += depth > 0 ? fill(dice.pick(from: expressions), &dice, depth: depth - 1) : "v"
            case "f": filled += "(function(...) \(block(&dice, depth: depth - 1)) return ... end)"
            default: filled += block(&dice, depth: depth - 1)
            }
        }
        return filled + rest
    }

    private static func block(_ dice: inout Dice, depth: Int) -> String {
        guard depth > 0 else { return "" }
        return (0..<dice.roll(4))
            .map { _ in "do " + fill(dice.pick(from: statements), &dice, depth: depth - 1) + " end " }
            .joined()
    }

    private func open(_ census: Census) throws -> LuaHarness {
        let lua = try LuaHarness(memoryLimit: 8 << 20)
        _ = census.open(in: lua, ownFields: true)
        lua.defineWait()
        var references: [LuaReference] = []
        lua.define("hold", 1...1) { call in
            call.stack.pushCopy(of: 1)
            references.append(call.state.popReference(from: call.stack))
            return .none
        }
        lua.define("held") { call in
            guard let last = references.last else { return .none }
            call.stack.push(last)
            return .results(1)
        }
        lua.define("drop") { _ in
            references.removeAll()
            return .none
        }
        lua.define("throw") { call throws(LuaError) in throw .message(call.stack.description(at: -1)) }
        lua.define("call", 1...1) { call throws(LuaError) in
            let being = Census.Being(in: census)
            defer { withExtendedLifetime(being) {} }
            call.stack.move(1, to: call.state.stack)
            try call.state.call(arguments: 0, results: 0)
            return .none
        }
        lua.define("spawn", 1...1) { call in
            let coroutine = call.state.takeCoroutine()
            call.stack.move(1, to: coroutine.stack)
            let outcome = coroutine.resume(arguments: 0)
            if outcome == .done { call.state.giveBack(coroutine) } else { coroutine.end(within: .milliseconds(4)) }
            return .none
        }
        lua.define("end_it", 1...1) { call in
            let coroutine = call.state.takeCoroutine()
            call.stack.move(1, to: coroutine.stack)
            _ = coroutine.resume(arguments: 0)
            return call.returning(coroutine.end(within: .milliseconds(4)) ?? "")
        }
        try lua.run("function closing(f) return setmetatable({}, { __close = f }) end t, b = {}, new(1)")
        return lua
    }

    @Test(arguments: 0..<40) func `a random script leaves the state whole`(seed: Int) throws {
        let census = Census()
        var dice = Dice(seed: seed + 1)
        var compiled = 0
        do {
            let lua = try open(census)
            for _ in 0..<60 {
                let source = Self.block(&dice, depth: 7) + Self.block(&dice, depth: 9)
                guard let chunk = try? lua.state.compile(source.utf8, name: "random.lua") else { continue }
                compiled += 1
                let coroutine = lua.state.takeCoroutine()
                coroutine.stack.push(chunk)
                lua.state.startBudget(.milliseconds(4))
                if dice.roll(4) == 0 { lua.state.refuseMemory(after: dice.roll(200)) }
                var outcome = coroutine.resume(arguments: 0)
                for _ in 0..<3 where outcome == .waiting { outcome = coroutine.resume(with: 1, 2) }
                if outcome == .done { lua.state.giveBack(coroutine) } else { coroutine.end(within: .milliseconds(4)) }
                lua.state.refuseMemory(after: nil)
                #expect(lua.state.stack.count == 0, "\(source)")
            }
            #expect(try lua.run("drop() value = 'whole'") == .done)
            #expect(lua.global("value") == "whole")
        }
        #expect(compiled > 30)
        #expect(census.alive == 0)
    }
}
