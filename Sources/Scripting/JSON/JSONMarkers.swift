import Lua

/// The two values that JSON has and Lua has not: `null`, and an array that is empty.
final class JSONMarkers {
    private let null: LuaReference
    private let arrayMetatable: LuaReference
    private let state: Unmanaged<LuaState>

    init(in state: LuaState) {
        self.state = Unmanaged.passUnretained(state)
        state.stack.pushTable()
        state.stack.pushTable(fields: 2)
        state.stack.push("null")
        state.stack.setField("__name", of: -2)
        state.stack.push(false)
        state.stack.setField("__metatable", of: -2)
        let metatable = state.popReference(from: state.stack)
        state.stack.setMetatable(metatable, of: -1)
        null = state.popReference(from: state.stack)
        state.stack.pushTable(fields: 2)
        state.stack.push("array")
        state.stack.setField("__name", of: -2)
        state.stack.push(false)
        state.stack.setField("__metatable", of: -2)
        arrayMetatable = state.popReference(from: state.stack)
    }

    func pushNull(on stack: LuaStack) { stack.push(null) }

    func isNull(_ index: Int, of stack: LuaStack) -> Bool {
        let absolute = index < 0 ? stack.count + index + 1 : index
        stack.push(null)
        defer { stack.pop() }
        return stack.isSame(absolute, -1)
    }

    func markArray(_ index: Int, of stack: LuaStack) { stack.setMetatable(arrayMetatable, of: index) }
    func isMarkedArray(_ index: Int, of stack: LuaStack) -> Bool { stack.hasMetatable(arrayMetatable, at: index) }
}
