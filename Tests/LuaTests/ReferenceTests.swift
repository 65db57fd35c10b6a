import Lua
import Testing

@Suite struct ReferenceTests {
    let census = Census()
    let lua: LuaHarness
    let beings: LuaClass<Census.Being>

    init() throws {
        lua = try LuaHarness()
        beings = census.open(in: lua)
    }

    private func makeReference() -> LuaReference {
        beings.push(Census.Being(in: census), on: lua.state.stack)
        return lua.state.popReference(from: lua.state.stack)
    }

    @Test func `a reference holds its value`() {
        let reference = makeReference()
        lua.state.collectGarbage()
        #expect(census.alive == 1)
        lua.state.stack.push(reference)
        #expect(beings.object(at: -1, of: lua.state.stack) != nil)
        lua.state.stack.pop()
        #expect(lua.state.stack.count == 0)
    }

    @Test func `a reference let go of frees its value at the next collection`() {
        var reference: LuaReference? = makeReference()
        withExtendedLifetime(reference) {}
        reference = nil
        #expect(census.alive == 1)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `letting go of a reference does not touch the interpreter`() {
        var references = (0..<100).map { _ in makeReference() }
        let used = lua.state.memoryUsed
        let top = lua.state.stack.count
        references.removeAll()
        #expect(lua.state.memoryUsed == used)
        #expect(lua.state.stack.count == top)
        #expect(census.alive == 100)
    }

    @Test func `a reference may die on another thread`() async {
        let reference = SendableReference(makeReference())
        await Task.detached { reference.drop() }.value
        #expect(census.alive == 1)
        lua.state.collectGarbage()
        #expect(census.alive == 0)
    }

    @Test func `a reference may die after its state`() throws {
        var lua: LuaHarness? = try LuaHarness()
        lua?.state.stack.push("text")
        let reference = lua.map { $0.state.popReference(from: $0.state.stack) }
        lua = nil
        withExtendedLifetime(reference) {}
    }

    @Test func `a reference that Lua's own object holds is let go of inside the collection`() {
        let being = Census.Being(in: census)
        being.reference = makeReference()
        beings.push(being, on: lua.state.stack)
        lua.state.stack.pop()
        #expect(census.alive == 2)
        withExtendedLifetime(being) {}
    }

    @Test func `a chain of objects that hold each other by reference dies link by link`() {
        var reference = makeReference()
        for _ in 0..<4 {
            let being = Census.Being(in: census)
            being.reference = reference
            beings.push(being, on: lua.state.stack)
            reference = lua.state.popReference(from: lua.state.stack)
        }
        #expect(census.alive == 5)
        reference = {
            lua.state.stack.push(1); return lua.state.popReference(from: lua.state.stack)
        }()
        for left in (0..<5).reversed() {
            lua.state.collectGarbage()
            #expect(census.alive == left)
        }
        withExtendedLifetime(reference) {}
    }

    @Test func `the slots of references are used again`() {
        func refer(to number: Int) -> LuaReference {
            lua.state.stack.push(number)
            return lua.state.popReference(from: lua.state.stack)
        }
        for number in 0..<100 { _ = refer(to: number) }
        lua.state.collectGarbage()
        let used = lua.state.memoryUsed
        for number in 0..<10_000 { _ = refer(to: number) }
        lua.state.collectGarbage()
        #expect(lua.state.memoryUsed == used)
    }

    @Test func `a reference to nil is nil and nothing of the interpreter's own`() throws {
        lua.state.stack.pushNil()
        let reference = lua.state.popReference(from: lua.state.stack)
        lua.state.stack.push(reference)
        #expect(lua.state.stack.type(at: -1) == .nil)
        lua.state.stack.pop()
    }

    @Test func `each type of value comes back from a reference as it was`() throws {
        let source = "values = { true, 12, 1.5, 'text', {}, print, coroutine.create(print), new() }"
        #expect(try lua.run(source) == .done)
        let stack = lua.state.stack
        lua.state.pushGlobal("values")
        for index in 1...8 {
            stack.pushElement(index, of: -1)
            stack.pushCopy(of: -1)
            let reference = lua.state.popReference(from: stack)
            lua.state.collectGarbage()
            stack.push(reference)
            #expect(stack.isSame(-1, -2), "value \(index)")
            stack.pop(2)
        }
        stack.pop()
    }
}

/// Because only the place where the reference dies is another thread's: nobody else has it by then.
private final class SendableReference: @unchecked Sendable {
    private var reference: LuaReference?

    init(_ reference: LuaReference) { self.reference = reference }

    func drop() { reference = nil }
}
