import Foundation
import Lua
import Testing

@Suite(.timeLimit(.minutes(5))) struct TimeBudgetTests {
    static let code = EndlessCode.yieldable + EndlessCode.unyieldable

    private func overtimePlace(
        of outcome: LuaCoroutine.Outcome,
        _ sourceLocation: SourceLocation = #_sourceLocation
    ) -> String? {
        guard case .overtime(let place) = outcome else {
            Issue.record("ended with \(outcome)", sourceLocation: sourceLocation)
            return nil
        }
        return place
    }

    private func expectItGoesOn(_ lua: LuaHarness, _ sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try lua.run("value = 1 + 1") == .done, sourceLocation: sourceLocation)
        #expect(lua.global("value") == "2", sourceLocation: sourceLocation)
    }

    @Test(arguments: code)
    func `endless code is over time at the right place`(code: EndlessCode) throws {
        let lua = try LuaHarness()
        let (coroutine, outcome) = try lua.start(code.source, budget: .milliseconds(60))
        let place = try #require(overtimePlace(of: outcome))
        if let line = code.line {
            #expect(place == "test.lua:\(line)")
        } else {
            #expect(place.hasPrefix("test.lua:"))
        }
        coroutine.end(within: .milliseconds(8))
        try expectItGoesOn(lua)
    }

    static let wrappers = [
        "pcall(function() %@ end)", "return pcall(function() %@ end)", "while true do pcall(function() %@ end) end",
        "xpcall(function() %@ end, function() while true do end end)", "coroutine.wrap(function() %@ end)()",
        "while true do pcall(coroutine.wrap(function() pcall(function() %@ end) end)) end",
        EndlessCode.closing("while true do end") + " %@",
        "local function go() \(EndlessCode.closing("while true do end")) %@ end "
            + "while true do pcall(coroutine.wrap(go)) coroutine.resume(coroutine.create(go)) end",
    ]

    @Test(arguments: code, wrappers)
    func `no code around endless code keeps it going`(code: EndlessCode, wrapper: String) throws {
        let lua = try LuaHarness()
        let (coroutine, outcome) = try lua.start(code.wrapped(in: wrapper), budget: .milliseconds(8))
        #expect(overtimePlace(of: outcome)?.hasPrefix("test.lua:") == true)
        coroutine.end(within: .milliseconds(8))
        try expectItGoesOn(lua)
    }

    @Test func `time in which the thread does not run does not count`() throws {
        let lua = try LuaHarness()
        lua.define("starve") { _ in
            poll(nil, 0, 200)  // milliseconds, as when another process has the processor
            return .results(0)
        }
        #expect(try lua.run("starve() for _ = 1, 1000 do end", budget: .milliseconds(20)) == .done)
    }

    @Test(arguments: code)
    func `endless code that the host calls is an error`(code: EndlessCode) throws {
        let lua = try LuaHarness()
        lua.state.stack.push(try lua.state.compile(code.source.utf8, name: "test.lua"))
        lua.state.startBudget(.milliseconds(8))
        do {
            try lua.state.call(arguments: 0, results: 0)
            Issue.record("ended")
        } catch {
            #expect(error.description.contains("time budget used up at test.lua:"))
        }
        #expect(lua.state.stack.count == 0)
        try expectItGoesOn(lua)
    }

    @Test(arguments: code)
    func `endless code under a host function ends that and its caller`(code: EndlessCode) throws {
        let lua = try LuaHarness()
        var inner: LuaCoroutine.Outcome?
        lua.define("spawn") { call in
            let coroutine = call.state.takeCoroutine()
            call.stack.move(1, to: coroutine.stack)
            inner = coroutine.resume(arguments: 0, from: call.stack)
            coroutine.end(within: .milliseconds(8))
            return .none
        }
        let source = "spawn(function() \(code.source) end) while true do end"
        let (coroutine, outcome) = try lua.start(source, budget: .milliseconds(8))
        let outer = try #require(overtimePlace(of: outcome))
        #expect(inner == .overtime(place: outer))
        coroutine.end(within: .milliseconds(8))
        try expectItGoesOn(lua)
    }

    @Test func `waiting does not count`() throws {
        let lua = try LuaHarness()
        lua.defineWait()
        let (coroutine, outcome) = try lua.start("for _ = 1, 3 do wait() end", budget: .milliseconds(1))
        #expect(outcome == .waiting)
        for left in (0..<3).reversed() {
            lua.state.startBudget(.seconds(10))
            #expect(coroutine.resume() == (left == 0 ? .done : .waiting))
        }
    }

    @Test func `each entrance has a budget of its own`() throws {
        let lua = try LuaHarness()
        #expect(overtimePlace(of: try lua.run("while true do end", budget: .milliseconds(8))) == "test.lua:1")
        #expect(try lua.run("for i = 1, 100000 do local _ = i end value = 'done'", budget: .seconds(10)) == .done)
        #expect(lua.global("value") == "done")
    }

    @Test func `a coroutine used again after an overrun that pcall caught at its end has a whole budget`() throws {
        let lua = try LuaHarness()
        let overrun = "return pcall(table.sort, { 2, 1 }, function() while true do end end)"
        let coroutine = lua.state.takeCoroutine()
        coroutine.stack.push(try lua.state.compile(overrun.utf8, name: "test.lua"))
        lua.state.startBudget(.milliseconds(8))
        #expect(overtimePlace(of: coroutine.resume(arguments: 0)) == "test.lua:1")
        #expect(coroutine.end() == nil)
        coroutine.stack.push(try lua.state.compile("for i = 1, 1e5 do end return 'done'".utf8, name: "test.lua"))
        lua.state.startBudget(.seconds(10))
        #expect(coroutine.resume(arguments: 0) == .done)
        #expect(coroutine.results == ["done"])
    }

    @Test(arguments: [Duration.seconds(Int64.max), .seconds(10_000_000_000), .nanoseconds(Int64.max)])
    func `a budget may be endless`(budget: Duration) throws {
        let lua = try LuaHarness()
        #expect(try lua.run("for i = 1, 100000 do end value = 'done'", budget: budget) == .done)
        #expect(lua.global("value") == "done")
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
    func `a budget of nothing ends at the first instruction`(budget: Duration) throws {
        let lua = try LuaHarness()
        #expect(overtimePlace(of: try lua.run("value = 'begun'", budget: budget)) == "test.lua:1")
        #expect(lua.global("value") == "nil")
    }
}
