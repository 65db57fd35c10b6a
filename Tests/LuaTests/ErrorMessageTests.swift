import Lua
import Testing

/// What a script's author reads.
@Suite struct ErrorMessageTests {
    let census = Census()
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
        _ = census.open(in: lua)
        lua.define("none", 0...0) { _ in .none }
        lua.define("one", 1...1) { _ in .none }
        lua.define("two", 2...2) { _ in .none }
        lua.define("some", 1...3) { _ in .none }
        lua.define("number", 1...1) { call throws(LuaError) in call.returning(try call.number(1, "seconds")) }
        lua.define("text", 1...1) { call throws(LuaError) in call.returning(try call.string(1, "message")) }
        lua.define("flag", 1...1) { call throws(LuaError) in call.returning(try call.boolean(1, "on")) }
        lua.define("integer", 1...1) { call throws(LuaError) in call.returning(try call.integer(1, "count")) }
        lua.define("options", 1...1) { call throws(LuaError) in
            try call.requireTable(1, "options")
            return .none
        }
        lua.define("callback", 1...1) { call throws(LuaError) in
            _ = try call.function(1, "callback")
            return .none
        }
    }

    @Test(arguments: [
        ("integer('5')", "integer: argument 1 (count) must be an integer, got string"),
        ("integer(1.5)", "integer: argument 1 (count) must be an integer, got number"),
        ("integer(2^53 * 2^53)", "integer: argument 1 (count) must be an integer, got number"),
        ("integer(nil)", "integer: argument 1 (count) must be an integer, got nil"),
        ("integer({})", "integer: argument 1 (count) must be an integer, got table"),
        ("integer(new())", "integer: argument 1 (count) must be an integer, got Being"),
        ("integer(io.open('/dev/null'))", "integer: argument 1 (count) must be an integer, got FILE*"),
        ("integer(print)", "integer: argument 1 (count) must be an integer, got function"),
        ("integer(coroutine.create(print))", "integer: argument 1 (count) must be an integer, got thread"),
        ("number('1')", "number: argument 1 (seconds) must be a number, got string"),
        ("text(5)", "text: argument 1 (message) must be a string, got number"),
        ("flag(1)", "flag: argument 1 (on) must be a boolean, got number"),
        ("flag(nil)", "flag: argument 1 (on) must be a boolean, got nil"),
        ("options('x')", "options: argument 1 (options) must be a table, got string"),
        ("callback({})", "callback: argument 1 (callback) must be a function, got table"),
        ("new():add('1')", "Being.add: argument 1 (amount) must be an integer, got string"),
        ("new():add(1, {})", "Being.add: argument 2 (more) must be an integer, got table"),
        ("new():meet({})", "Being.meet: argument 1 (other) must be a Being, got table"),
        ("new():meet(io.open('/dev/null'))", "Being.meet: argument 1 (other) must be a Being, got FILE*"),
        ("new().name = 5", "Being.name: argument 1 (name) must be a string, got number"),
    ])
    func `an argument of another type is named with place, function and number`(source: String, says: String) throws {
        #expect(try lua.run("\n\n" + source).message == "test.lua:3: " + says)
    }

    @Test(arguments: [
        ("none(1)", "none: takes 0 arguments, got 1"),
        ("one()", "one: takes 1 argument, got 0"),
        ("one(1, 2)", "one: takes 1 argument, got 2"),
        ("two(nil)", "two: takes 2 arguments, got 1"),
        ("some()", "some: takes 1 to 3 arguments, got 0"),
        ("some(1, 2, 3, nil)", "some: takes 1 to 3 arguments, got 4"),
        ("new():number(1)", "Being.number: takes 0 arguments, got 1"),
        ("new():add()", "Being.add: takes 1 to 2 arguments, got 0"),
        ("some(table.unpack({}, 1, 250))", "some: takes 1 to 3 arguments, got 250"),
    ])
    func `a wrong number of arguments is said, the receiver not counted`(source: String, says: String) throws {
        #expect(try lua.run(source).message == "test.lua:1: " + says)
    }

    @Test(arguments: [
        "new().number()", "new().number(5)", "new().number('x', 1)", "new().number({})",
        "local f = new().number; f(nil)",
        "new().number(io.open('/dev/null'))", "new().number(print)", "pcall(new().number) new().number()",
    ])
    func `a method called with a dot says to use a colon`(source: String) throws {
        #expect(try lua.run(source).message == "test.lua:1: use being:number() (':' not '.')")
    }

    @Test func `a method called with a dot and its receiver works`() throws {
        #expect(try lua.run("local b = new(4); x = b.number(b) + b.add(b, 1, 1)") == .done)
        #expect(lua.global("x") == "10")
    }

    @Test func `a method of one class refuses an object of another`() throws {
        let others = LuaClass<Census>("Other", instance: "other", ownFields: false, in: lua.state)
        others.push(census, on: lua.state.stack)
        lua.state.setGlobal("other")
        #expect(try lua.run("new().number(other)").message == "test.lua:1: use being:number() (':' not '.')")
        let says = "test.lua:1: Being.meet: argument 1 (other) must be a Being, got Other"
        #expect(try lua.run("new():meet(other)").message == says)
    }

    @Test func `a file's name is said as the script's author knows it`() throws {
        #expect(try lua.run("one()", name: "chat/rooms.lua").message?.hasPrefix("chat/rooms.lua:1: one: ") == true)
    }

    @Test func `the place is the script's, not that of the host's own Lua code`() throws {
        #expect(try lua.run("function through(...) return one(...) end", name: "[host]/prelude.lua") == .done)
        #expect(try lua.run("\nthrough()").message == "test.lua:2: one: takes 1 argument, got 0")
    }

    @Test func `a function called by no Lua code is named without a place`() throws {
        lua.state.pushGlobal("one")
        let error = LuaError.message("one: takes 1 argument, got 0")
        #expect(throws: error) { try lua.state.call(arguments: 0, results: 0) }
        #expect(lua.state.stack.count == 0)
    }

    @Test func `the traceback names each call`() throws {
        let source = "local function inner()\n error('x')\nend\nfunction outer()\n inner()\nend\nouter()"
        let traceback = try #require(try lua.run(source).traceback)
        #expect(traceback.contains("test.lua:2: in upvalue 'inner'"))
        #expect(traceback.contains("test.lua:5: in function 'outer'"))
        #expect(traceback.contains("test.lua:7: in main chunk"))
    }

    @Test(arguments: ["error(nil)", "error({})", "error(new())", "error(setmetatable({}, { __tostring = error }))"])
    func `an error that is no string is described without calling Lua`(source: String) throws {
        let message = try #require(try lua.run(source).message)
        #expect(["nil", "table: 0x", "Being: 0x"].contains { message.hasPrefix($0) })
    }
}
