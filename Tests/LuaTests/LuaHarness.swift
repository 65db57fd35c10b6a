import Lua

/// An interpreter that runs sources to their end and says how they ended.
final class LuaHarness {
    let state: LuaState

    init(memoryLimit: Int = LuaState.defaultMemoryLimit) throws {
        state = try LuaState(memoryLimit: memoryLimit)
    }

    /// Runs a chunk on a coroutine under a budget and ends the coroutine.
    @discardableResult
    func run(_ source: String, name: String = "test.lua", budget: Duration = .seconds(10)) throws -> LuaCoroutine.Outcome {
        let chunk = try state.compile(source.utf8, name: name)
        let coroutine = state.takeCoroutine()
        coroutine.stack.push(chunk)
        state.startBudget(budget)
        let outcome = coroutine.resume(arguments: 0)
        coroutine.end()
        return outcome
    }

    /// The value of a global as text, for comparison.
    func global(_ name: String) -> String {
        state.pushGlobal(name)
        defer { state.stack.pop() }
        return state.stack.description(at: -1)
    }
}
