import Lua
import Testing

@Suite struct ObjectLifetimeTests {
    let census = Census()
    let lua: LuaHarness
    let beings: LuaClass<Census.Being>

    init() throws {
        lua = try LuaHarness()
        beings = census.open(in: lua, ownFields: true)
    }

    @Test func `an object lives while Lua holds it`() throws {
        #expect(try lua.run("being = new(7)") == .done)
        lua.state.collectGarbage()
        #expect(census.alive == 1)
        #expect(try lua.run("number = being:number()") == .done)
        #expect(lua.global("number") == "7")
    }

    @Test func `an object dies when Lua lets go of it`() throws {
        #expect(try lua.run("being = new(); being = nil; for _ = 1, 100 do new() end") == .done)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `objects die when the state is closed`() throws {
        let census = Census()
        do {
            let lua = try LuaHarness()
            _ = census.open(in: lua)
            #expect(try lua.run("all = {}; for index = 1, 100 do all[index] = new(index) end") == .done)
            #expect(census.alive == 100)
        }
        #expect(census.alive == 0)
    }

    @Test func `objects held by a coroutine that waits die when the state is closed`() throws {
        let census = Census()
        do {
            let lua = try LuaHarness()
            lua.defineWait()
            _ = census.open(in: lua)
            let (_, outcome) = try lua.start("local being = new(); coroutine.wrap(function() wait(being, new()) end)()")
            #expect(outcome == .waiting)
            #expect(census.alive == 2)
        }
        #expect(census.alive == 0)
    }

    @Test func `an object that Swift holds outlives its Lua value`() throws {
        let being = Census.Being(in: census)
        beings.push(being, on: lua.state.stack)
        lua.state.stack.pop()
        lua.state.collectGarbage()
        #expect(census.alive == 1)
        beings.push(being, on: lua.state.stack)
        #expect(beings.object(at: -1, of: lua.state.stack) === being)
        lua.state.stack.pop()
    }

    @Test func `an object pushed twice is one Lua value`() throws {
        let being = Census.Being(in: census)
        beings.push(being, on: lua.state.stack)
        lua.state.setGlobal("first")
        lua.state.collectGarbage()
        beings.push(being, on: lua.state.stack)
        lua.state.setGlobal("second")
        #expect(try lua.run("same = rawequal(first, second); set = { [first] = 1 }; found = set[second]") == .done)
        #expect(lua.global("same") == "true")
        #expect(lua.global("found") == "1")
    }

    @Test func `two objects are two Lua values`() throws {
        #expect(try lua.run("same = rawequal(new(1), new(1)) or new(1) == new(1)") == .done)
        #expect(lua.global("same") == "false")
    }

    @Test func `a value made anew after the first one died works`() throws {
        let being = Census.Being(in: census, number: 5)
        for _ in 0..<3 {
            beings.push(being, on: lua.state.stack)
            lua.state.setGlobal("being")
            #expect(try lua.run("number = being:number(); being = nil") == .done)
            #expect(lua.global("number") == "5")
            lua.state.collectGarbage()
        }
        #expect(census.alive == 1)
    }

    @Test func `many objects come and go without one lost`() throws {
        #expect(try lua.run("local kept = {}; for i = 1, 20000 do kept[i % 64] = new(i) end") == .done)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `own fields live as long as the object's Lua value`() throws {
        let source = "being = new(); being.friend = new(); being.self = being; being.word = 'hello'"
        #expect(try lua.run(source) == .done)
        lua.state.collectGarbage()
        #expect(census.alive == 2)
        #expect(try lua.run("word, nothing = being.word, being.other; being = nil") == .done)
        #expect(lua.global("word") == "hello")
        #expect(lua.global("nothing") == "nil")
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `the host hears of the first own field and can keep the Lua value alive`() throws {
        var calls = 0
        beings.onFirstOwnField { being, call in
            calls += 1
            call.stack.pushCopy(of: 1)
            being.reference = call.state.popReference(from: call.stack)
        }
        let being = Census.Being(in: census)
        beings.push(being, on: lua.state.stack)
        lua.state.setGlobal("being")
        #expect(try lua.run("being.name = 'Ada'; before = being.mark; being.mark = 12; being.other = 13") == .done)
        #expect(calls == 1)
        #expect(try lua.run("being = nil") == .done)
        lua.state.collectGarbage()
        beings.push(being, on: lua.state.stack)
        lua.state.setGlobal("being")
        #expect(try lua.run("mark = being.mark") == .done)
        #expect(lua.global("mark") == "12")

        being.reference = nil
        #expect(try lua.run("being = nil") == .done)
        lua.state.collectGarbage()
        lua.state.collectGarbage()
        beings.push(being, on: lua.state.stack)
        lua.state.setGlobal("being")
        #expect(try lua.run("mark = being.mark") == .done)
        #expect(lua.global("mark") == "nil")
        #expect(calls == 1)
    }

    @Test func `values that the host hangs on an object die with its Lua value`() throws {
        let being = Census.Being(in: census)
        let stack = lua.state.stack
        beings.push(being, on: stack)
        beings.pushAttachments(of: -1, on: stack, create: false)
        #expect(stack.isNil(at: -1))
        stack.pop()
        beings.pushAttachments(of: -1, on: stack, create: true)
        beings.push(Census.Being(in: census), on: stack)
        stack.setField("signal", of: -2)
        stack.pop()
        lua.state.collectGarbage()
        #expect(census.alive == 2)
        beings.pushAttachments(of: -1, on: stack, create: false)
        stack.pushField("signal", of: -1)
        #expect(beings.object(at: -1, of: stack) != nil)
        stack.truncate(to: 0)
        lua.state.collectGarbage()
        #expect(census.alive == 1)
    }
}
