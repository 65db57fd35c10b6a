import Lua
import Testing

/// What becomes of `<close>` variables when a coroutine is ended.
@Suite(.timeLimit(.minutes(5))) struct EndingTests {
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
        lua.defineWait()
        let source = """
            log = ''
            function note(name, more)
                return setmetatable({}, { __close = function(_, problem)
                    log = log .. name .. (problem and '(' .. tostring(problem) .. ')' or '') .. ' '
                    if more then more() end
                end })
            end
            """
        try lua.run(source)
    }

    private func log() -> String { lua.global("log") }

    @Test func `a chain of coroutines that wait is closed innermost first`() throws {
        let source = """
            local a <close> = note('a')
            coroutine.wrap(function()
                local b <close> = note('b')
                local c <close> = note('c')
                coroutine.resume(coroutine.create(function()
                    local d <close> = note('d')
                    pcall(function() local e <close> = note('e') wait() end)
                    log = log .. 'never '
                end))
                log = log .. 'never '
            end)()
            log = log .. 'never '
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(coroutine.end() == nil)
        #expect(log() == "e d c b a ")
    }

    @Test func `an ended coroutine is empty and can be used again`() throws {
        let (coroutine, outcome) = try lua.start("local a <close> = note('a') wait(1, 2)")
        #expect(outcome == .waiting)
        #expect(coroutine.end() == nil)
        #expect(coroutine.stack.count == 0)
        #expect(coroutine.end() == nil)
        coroutine.stack.push(try lua.state.compile("return 5".utf8, name: "again.lua"))
        #expect(coroutine.resume(arguments: 0) == .done)
        #expect(coroutine.results == ["5"])
    }

    @Test func `ending one that failed closes its variables with its error, and gives no error of its own`() throws {
        let (coroutine, outcome) = try lua.start("local a <close> = note('a') error('oops')")
        #expect(outcome.message == "test.lua:1: oops")
        #expect(log() == "")
        #expect(coroutine.end() == nil)
        #expect(log() == "a(test.lua:1: oops) ")
        #expect(coroutine.stack.count == 0)
    }

    @Test func `ending one that failed gives the error of a variable`() throws {
        let source = """
            local a <close> = note('a')
            local b <close> = note('b', function() error('from b') end) error('oops')
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome.message == "test.lua:2: oops")
        #expect(coroutine.end() == "test.lua:2: from b")
        #expect(log() == "b(test.lua:2: oops) a(test.lua:2: from b) ")
        #expect(coroutine.stack.count == 0)
    }

    @Test func `the error of a variable of an inner coroutine is given too`() throws {
        let source = """
            coroutine.wrap(function() local b <close> = note('b', function() error('from b') end) wait() end)()
            """
        let (coroutine, outcome) = try lua.start("local a <close> = note('a') " + source)
        #expect(outcome == .waiting)
        #expect(coroutine.end() == "test.lua:1: from b")
        #expect(log() == "b a ")
        #expect(lua.state.stack.count == 0)
    }

    @Test func `the first error of several is given`() throws {
        let source = """
            local a <close> = note('a', function() error('from a') end)
            coroutine.wrap(function() local b <close> = note('b', function() error('from b') end) wait() end)()
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(coroutine.end() == "test.lua:2: from b")
        #expect(log() == "b a ")
    }

    @Test func `the variables of one over time are closed under a budget of their own`() throws {
        let (coroutine, outcome) = try lua.start(
            """
            local a <close> = note('a') coroutine.wrap(function()
            local b <close> = note('b') while true do end end)()
            """,
            budget: .milliseconds(8)
        )
        #expect(outcome == .overtime(place: "test.lua:2"))
        #expect(log() == "")
        #expect(coroutine.end(within: .seconds(10)) == nil)
        #expect(log() == "b a ")
    }

    @Test func `a variable that loops is cut short, and so are those after it`() throws {
        let source = "local a <close> = note('a', function() while true do end end) local b <close> = note('b') wait()"
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(coroutine.end(within: .milliseconds(8)) == "its '<close>' variables were cut short by the time budget")
        #expect(log() == "b a ")
        #expect(try lua.run("value = 'after'") == .done)
    }

    @Test(arguments: [
        "local a <close> = note('a', function() while true do pcall(function() while true do end end) end end) wait()",
        "local a <close> = note('a', function() coroutine.wrap(function() while true do end end)() end) wait()",
        "local a <close> = note('a', function() table.sort({ 2, 1 }, function() while true do end end) end) wait()",
        """
        local a <close> = note('a', function()
        local b <close> = note('b', function() while true do end end) error() end) wait()
        """,
        "coroutine.wrap(function() local a <close> = note('a', function() while true do end end) wait() end)()",
    ])
    func `no code of a variable keeps it going`(source: String) throws {
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome == .waiting)
        #expect(coroutine.end(within: .milliseconds(8)) == "its '<close>' variables were cut short by the time budget")
        #expect(try lua.run("value = 'after'") == .done)
    }

    @Test func `an end within a run leaves the run its own budget`() throws {
        var ended: String?
        let (other, outcome) = try lua.start("local a <close> = note('a', function() while true do end end) wait()")
        #expect(outcome == .waiting)
        lua.define("stop") { call in
            ended = other.end(within: .milliseconds(8))
            return .none
        }
        #expect(try lua.run("stop() for i = 1, 100000 do end value = 'went on'") == .done)
        #expect(ended == "its '<close>' variables were cut short by the time budget")
        #expect(lua.global("value") == "went on")
    }

    @Test func `a pcall around a callback over time lets the variables outside it run`() throws {
        let source = """
            local a <close> = note('a')
            pcall(table.sort, { 2, 1 }, function() while true do end end) while true do end
            """
        let (coroutine, outcome) = try lua.start(source, budget: .milliseconds(8))
        #expect(outcome == .overtime(place: "test.lua:2"))
        #expect(coroutine.end(within: .seconds(10)) == nil)
        #expect(log() == "a ")
    }

    /// Lua has its hooks off for good there, so that a loop in such a variable could not be ended.
    @Test func `the variables of one over time in a callback with no pcall around do not run`() throws {
        let source = "local a <close> = note('a') table.sort({ 2, 1 }, function() while true do end end)"
        let (coroutine, outcome) = try lua.start(source, budget: .milliseconds(8))
        #expect(outcome == .overtime(place: "test.lua:1"))
        #expect(coroutine.end(within: .seconds(10)) == "its '<close>' variables were cut short by the time budget")
        #expect(log() == "")
        #expect(try lua.run("value = 'after'") == .done)
    }

    @Test func `a coroutine left over time is not gone on with by a later script`() throws {
        let source = "left = coroutine.create(function() while true do end end) coroutine.resume(left)"
        let (_, outcome) = try lua.start(source, budget: .milliseconds(8))
        #expect(outcome == .overtime(place: "test.lua:1"))
        let says = "test.lua:1: cannot resume a coroutine that waits for the host"
        #expect(try lua.run("coroutine.resume(left)").message == says)
    }

    @Test func `a coroutine that died over time in a callback is not closed by a later script`() throws {
        let source = """
            table.sort({ 2, 1 }, function()
                dead = coroutine.create(function()
                    local a <close> = note('a', function() while true do end end)
                    tostring(setmetatable({}, { __tostring = function() while true do end end }))
                end)
                coroutine.resume(dead)
            end)
            """
        let (coroutine, outcome) = try lua.start(source, budget: .milliseconds(8))
        #expect(outcome == .overtime(place: "test.lua:4"))
        coroutine.end(within: .milliseconds(8))
        let says = "test.lua:1: cannot close a coroutine that was over time"
        #expect(try lua.run("coroutine.close(dead)").message == says)
        #expect(try lua.run("ok, message = coroutine.resume(dead)") == .done)
        #expect(lua.global("message") == "cannot resume dead coroutine")
        #expect(log() == "")
    }

    @Test func `variables are closed in a coroutine whose stack overflowed`() throws {
        let source = "local a <close> = note('a') local function f() return 1 + f() end f()"
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome.message?.contains("stack overflow") == true)
        #expect(coroutine.end() == nil)
        #expect(log().hasPrefix("a("))
    }

    @Test func `a stack that overflows again while it is unwound is borne`() throws {
        let source = """
            local function f() return 1 + f() end
            local a <close> = note('a', f)
            local function g() local b <close> = note('b', f) local c <close> = note('c', f) f() end
            pcall(g) g()
            """
        let (coroutine, outcome) = try lua.start(source)
        #expect(outcome.message?.contains("stack overflow") == true)
        #expect(coroutine.end(within: .seconds(30))?.contains("error") == true)
        #expect(log().contains("a("))
        #expect(try lua.run("value = 'after'") == .done)
    }
}
