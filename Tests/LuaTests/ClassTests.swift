import Lua
import Testing

/// A Swift class as scripts see it.
@Suite struct ClassTests {
    let census = Census()
    let lua: LuaHarness
    let beings: LuaClass<Census.Being>

    init() throws {
        lua = try LuaHarness()
        beings = census.open(in: lua)
    }

    private func value(_ expression: String) throws -> String {
        #expect(try lua.run("value = " + expression) == .done)
        return lua.global("value")
    }

    @Test func `a property is read and written`() throws {
        #expect(try lua.run("being = new(3); being.name = 'Ada'") == .done)
        #expect(try value("being.name .. being.age") == "Ada3")
    }

    @Test func `a property without a setter cannot be assigned`() throws {
        #expect(try lua.run("new().age = 5").message == "test.lua:1: Being.age cannot be assigned")
    }

    @Test func `a method cannot be assigned`() throws {
        #expect(try lua.run("new().number = print").message == "test.lua:1: Being.number cannot be assigned")
    }

    @Test(arguments: [
        ("new().nme", "nme"), ("new().nme = 1", "nme"), ("local x = new()[5]", "5"), ("local x = new()[nil]", "nil"),
        ("new()[2.5] = 1", "2.5"), ("local x = new()[{}]", "table: 0x"), ("new():fly()", "fly"),
    ])
    func `an unknown member is named`(source: String, member: String) throws {
        let source = source.hasPrefix("new().nme") && !source.contains("=") ? "local x = " + source : source
        let message = try #require(try lua.run(source).message)
        #expect(message.hasPrefix("test.lua:1: Being has no member '\(member)"))
    }

    @Test(arguments: ["local x = new().nme", "new().nme = 1", "new():nme()"])
    func `the host may word the message for an unknown member`(source: String) throws {
        beings.onUnknownMember { being, call throws(LuaError) in
            throw .message("no '\(try call.string(1, "name"))' in being \(being.number); did you mean 'name'?")
        }
        let says = "test.lua:1: no 'nme' in being 0; did you mean 'name'?"
        #expect(try lua.run(source).message == says)
    }

    @Test func `members of other kinds are read as they are`() throws {
        let stack = lua.state.stack
        stack.push(42)
        beings.value("ANSWER")
        stack.push("text")
        beings.value("WORD")
        stack.push(1.5)
        beings.value("RATIO")
        stack.push(false)
        beings.value("NEVER")
        #expect(stack.count == 0)
        #expect(try value("new().ANSWER .. new().WORD .. new().RATIO .. tostring(new().NEVER)") == "42text1.5false")
        #expect(try lua.run("new().ANSWER = 1").message == "test.lua:1: Being.ANSWER cannot be assigned")
    }

    @Test func `a singleton's method is called with a dot or a colon`() throws {
        let engine = Census.Being(in: census, number: 9)
        let engines = LuaClass<Census.Being>("Engine", instance: "Engine", ownFields: false, in: lua.state)
        engines.boundMethod(of: engine, "add", 1...2) { being, call throws(LuaError) in
            call.returning(being.number + (try call.integer(1, "amount")))
        }
        engines.push(engine, on: lua.state.stack)
        lua.state.setGlobal("Engine")
        #expect(try value("Engine.add(1) + Engine:add(1)") == "20")
        #expect(try value("pcall(Engine.add, 1) and pcall(pcall, Engine.add, 1)") == "true")
        let says = "test.lua:1: Engine.add: argument 1 (amount) must be an integer, got string"
        #expect(try lua.run("Engine.add('1')").message == says)
        #expect(try lua.run("Engine:add('1')").message == says)
        #expect(try lua.run("Engine.add()").message == "test.lua:1: Engine.add: takes 1 to 2 arguments, got 0")
        #expect(try lua.run("local add = Engine.add; value = add(5)") == .done)
        #expect(lua.global("value") == "14")
    }

    @Test func `looking up a method or a property allocates nothing`() throws {
        let source = """
            local being = new(1)
            local method, age = being.number, being.age
            collectgarbage() collectgarbage()
            local before = collectgarbage('count')
            for _ = 1, 1000 do
                assert(being.number == method)
                assert(being:number() == 1)
                assert(being.age == age)
            end
            grown = collectgarbage('count') - before
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("grown") == "0.0")
    }

    @Test func `an object's text names its class`() throws {
        #expect(try value("tostring(new())").hasPrefix("<Being#0x"))
        #expect(try value("('%s'):format(new())").hasPrefix("<Being#0x"))
    }

    @Test(arguments: [
        "getmetatable(new())", "rawget(new(), 'name')", "rawset(new(), 'name', 1)", "setmetatable(new(), {})",
        "next(new())", "#new()", "new() + 1", "new() < new()", "new() .. ''", "new()()", "table.insert(new(), 1)",
        "table.concat(new())", "table.unpack(new())", "table.move(new(), 1, 3, 1, {})", "for _ in pairs(new()) do end",
        "for _ in ipairs(new()) do end", "string.rep(new(), 2)", "local x <close> = new()", "coroutine.resume(new())",
        "load(new())", "io.type(new()).x = 1", "new().__gc(new())", "new().__index(new())", "new().__metatable = {}",
    ])
    func `an object gives nothing of its inside away`(source: String) throws {
        let statement = source.hasPrefix("for") || source.hasPrefix("local") || source.contains(" = ")
        let outcome = try lua.run(statement ? source : "value = \(source); assert(value)")
        #expect(outcome.message != nil)
        #expect(try value("new(5):number()") == "5")
    }

    @Test func `own fields take any key that a table takes`() throws {
        let census = Census()
        let lua = try LuaHarness()
        _ = census.open(in: lua, ownFields: true)
        let source = """
            local being = new(1)
            being[1], being[2.5], being[true], being[being] = 'a', 'b', 'c', 'd'
            value = being[1] .. being[2.5] .. being[true] .. being[being] .. tostring(being[3]) .. tostring(being[nil])
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "abcdnilnil")
        #expect(try lua.run("new()[nil] = 1").message?.contains("index is nil") == true)
        #expect(try lua.run("local b = new(); b.x = 1; b[0/0] = 1").message?.contains("index is NaN") == true)
        #expect(try lua.run("new().age = 1").message == "test.lua:1: Being.age cannot be assigned")
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }
}
