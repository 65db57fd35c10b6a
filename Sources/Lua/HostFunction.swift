/// A function of the host that Lua can call.
public final class HostFunction {
    public typealias Body = (LuaCall) throws(LuaError) -> Return

    /// How a host function ends.
    public enum Return {
        /// The values that it pushed last, this many, are its results.
        case results(Int)
        /// The running coroutine waits; whoever resumes it gives the results. Ask `LuaCall.checkCanWait` first.
        case wait
        /// The value on top of the stack is raised as it is.
        case raise

        public static var none: Return { .results(0) }
    }

    /// What messages begin with; empty for functions that no script calls by name.
    let name: String
    /// 1 when argument 1 is the receiver, which messages do not count.
    let receiver: Int
    let arguments: ClosedRange<Int>
    let body: Body

    init(name: String, receiver: Int, arguments: ClosedRange<Int>, body: @escaping Body) {
        self.name = name
        self.receiver = receiver
        self.arguments = arguments
        self.body = body
    }
}
