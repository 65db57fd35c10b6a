import Testing
import Lua

@Suite struct SmokeTests {
    @Test func `a chunk runs`() throws {
        let lua = try LuaHarness()
        #expect(try lua.run("x = 1 + 1; y = ('ab'):rep(2)") == .done)
        #expect(lua.global("x") == "2")
        #expect(lua.global("y") == "abab")
    }
    @Test func `an endless loop inside pcall is over time`() throws {
        let lua = try LuaHarness()
        let outcome = try lua.run("while true do pcall(function() while true do end end) end", budget: .milliseconds(30))
        #expect(outcome == .overtime(place: "test.lua:1"))
    }
}
