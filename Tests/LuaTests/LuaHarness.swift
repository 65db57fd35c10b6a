import Lua

/// An interpreter that runs sources to their end and says how they ended.
final class LuaHarness {
    let state: LuaState

    init(memoryLimit: Int = LuaState.defaultMemoryLimit) throws {
        state = try LuaState(memoryLimit: memoryLimit)
    }

    /// Runs a chunk on a coroutine under a budget and ends the coroutine.
    @discardableResult
    func run(
        _ source: String,
        name: String = "test.lua",
        budget: Duration = .seconds(10)
    ) throws -> LuaCoroutine.Outcome {
        let (coroutine, outcome) = try start(source, name: name, budget: budget)
        coroutine.end()
        return outcome
    }

    /// Runs a chunk on a coroutine until it waits or ends, and leaves the coroutine as it is then.
    func start(
        _ source: String,
        name: String = "test.lua",
        budget: Duration = .seconds(10)
    ) throws -> (LuaCoroutine, LuaCoroutine.Outcome) {
        let chunk = try state.compile(source.utf8, name: name)
        let coroutine = state.takeCoroutine()
        coroutine.stack.push(chunk)
        state.startBudget(budget)
        return (coroutine, coroutine.resume(arguments: 0))
    }

    /// Sets a global to a host function.
    func define(_ name: String, _ arguments: ClosedRange<Int> = 0...9, _ body: @escaping HostFunction.Body) {
        state.pushFunction(name, arguments: arguments, body)
        state.setGlobal(name)
    }

    /// Defines `wait(...)`, which waits for the host wherever it can.
    func defineWait() {
        define("wait") { call throws(LuaError) in
            try call.checkCanWait()
            return .wait
        }
    }

    /// The value of a global as text, for comparison.
    func global(_ name: String) -> String {
        state.pushGlobal(name)
        defer { state.stack.pop() }
        return state.stack.description(at: -1)
    }
}

extension LuaCoroutine.Outcome {
    /// What a run failed with; nil when it ended in another way.
    var message: String? {
        guard case .failed(let message, _) = self else { return nil }
        return message
    }

    /// Where a run failed; nil when it ended in another way.
    var traceback: String? {
        switch self {
        case .failed(_, let traceback), .outOfMemory(let traceback): return traceback
        default: return nil
        }
    }

    var isOutOfMemory: Bool {
        guard case .outOfMemory = self else { return false }
        return true
    }
}

extension LuaCoroutine {
    /// Goes on after a wait with these values.
    func resume(with values: Int...) -> Outcome {
        for value in values { stack.push(value) }
        return resume(arguments: values.count)
    }

    /// The results of a run that is done.
    var results: [String] { (0..<stack.count).map { stack.description(at: $0 + 1) } }
}
