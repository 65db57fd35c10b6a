import Lua

/// Asking for what may take a while.
extension Runtime {
    /// Asks something that answers once, at once or in a later turn; for the latter the script waits.
    /// - Parameter push: leaves what the call returns on the stack, and says how many values that are.
    func awaiting<Answer>(
        _ call: LuaCall, _ ask: (@escaping (Answer) -> Void) -> Void,
        push: @escaping (Answer, LuaStack) -> Int
    ) throws(LuaError) -> HostFunction.Return {
        var answered: Answer?
        var ticket: UInt64?
        ask { [unowned self] answer in
            if let ticket {
                enter()
                _ = scheduler.wake(ticket) { stack in push(answer, stack) }
            } else {
                answered = answer
            }
        }
        if let answered { return .results(push(answered, call.stack)) }
        try call.checkCanWait()
        ticket = try scheduler.newTicket()
        return .wait
    }
}
