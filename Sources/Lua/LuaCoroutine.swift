internal import CLua

/// A coroutine of the host's: one run of a function, which may wait.
public final class LuaCoroutine {
    public let stack: LuaStack
    private let anchor: LuaReference

    init(stack: LuaStack, anchor: LuaReference) {
        self.stack = stack
        self.anchor = anchor
    }

    /// How a run ended.
    public enum Outcome: Equatable {
        /// It returned; its results are on the coroutine's stack.
        case done
        /// It waits for the host.
        case waiting
        /// Its time budget is used up; end it, it cannot go on.
        case overtime(place: String)
        /// It raised; the message and the traceback where it did.
        case failed(message: String, traceback: String)
        /// It asked for more memory than its limit.
        case outOfMemory(traceback: String)
    }

    /// Runs the function that lies under its `arguments` on the coroutine's stack; after a wait, goes on with those
    /// values as the results of the wait.
    public func resume(arguments: Int, from caller: LuaStack? = nil) -> Outcome {
        let outcome = clua_resume(stack.thread, caller?.thread, Int32(arguments))
        switch outcome {
        case CLUA_DONE: return .done
        case CLUA_WAITING: return .waiting
        case CLUA_OVERTIME: return .overtime(place: String(cString: clua_overtime_place(stack.thread)))
        case CLUA_MEMORY: return .outOfMemory(traceback: traceback())
        default:
            return .failed(message: stack.description(at: -1), traceback: traceback())
        }
    }

    /// Where the coroutine stands, or stood when it failed, a line per call.
    public func traceback() -> String {
        guard clua_check_stack(stack.thread, 40) else { return "" }
        clua_push_traceback(stack.thread, stack.thread, "")
        defer { stack.pop() }
        let text = stack.string(at: -1) ?? ""
        return String(text.drop { $0 == "\n" })
    }

    /// Ends a run that failed, is over time or waits: its `<close>` variables run, for at most `duration`.
    /// - Returns: the message of an error that one of them raised.
    @discardableResult
    public func end(within duration: Duration = .milliseconds(100)) -> String? {
        switch clua_end(stack.thread, duration.wholeNanoseconds) {
        case CLUA_DONE: return nil
        case CLUA_OVERTIME: return "its '<close>' variables were cut short by the time budget"
        default:
            defer { stack.pop() }
            return stack.description(at: -1)
        }
    }
}
