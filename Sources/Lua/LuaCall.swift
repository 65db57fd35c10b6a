internal import CLua

/// One call of a host function: its arguments, and the stack for its results.
///
/// Arguments are numbered as the script's author counts them: from 1, without the receiver.
public struct LuaCall {
    public let stack: LuaStack
    public unowned(unsafe) let state: LuaState
    let receiver: Int

    init(stack: LuaStack, state: LuaState, receiver: Int) {
        self.stack = stack
        self.state = state
        self.receiver = receiver
    }

    /// The values of a stack as if they were a call's arguments, for host code that reads a script's result.
    public init(stack: LuaStack, state: LuaState) { self.init(stack: stack, state: state, receiver: 0) }

    /// The number of arguments.
    public var count: Int { stack.count - receiver }

    /// The stack index of an argument.
    public func index(_ argument: Int) -> Int { argument + receiver }

    public func isMissing(_ argument: Int) -> Bool { stack.isNil(at: index(argument)) }

    // MARK: arguments

    public func integer(_ argument: Int, _ name: String) throws(LuaError) -> Int {
        if let value = stack.integer(at: index(argument)) { return value }
        throw wrong(argument, name, "an integer")
    }

    public func integer(_ argument: Int, _ name: String, default fallback: Int) throws(LuaError) -> Int {
        isMissing(argument) ? fallback : try integer(argument, name)
    }

    public func number(_ argument: Int, _ name: String) throws(LuaError) -> Double {
        if let value = stack.number(at: index(argument)) { return value }
        throw wrong(argument, name, "a number")
    }

    public func boolean(_ argument: Int, _ name: String) throws(LuaError) -> Bool {
        guard stack.type(at: index(argument)) == .boolean else { throw wrong(argument, name, "a boolean") }
        return stack.boolean(at: index(argument))
    }

    public func boolean(_ argument: Int, _ name: String, default fallback: Bool) throws(LuaError) -> Bool {
        isMissing(argument) ? fallback : try boolean(argument, name)
    }

    /// The bytes of a string argument, valid until the function returns.
    public func bytes(_ argument: Int, _ name: String) throws(LuaError) -> UnsafeRawBufferPointer {
        if let value = stack.bytes(at: index(argument)) { return value }
        throw wrong(argument, name, "a string")
    }

    public func string(_ argument: Int, _ name: String) throws(LuaError) -> String {
        String(decoding: try bytes(argument, name), as: UTF8.self)
    }

    public func string(_ argument: Int, _ name: String, default fallback: String) throws(LuaError) -> String {
        isMissing(argument) ? fallback : try string(argument, name)
    }

    public func function(_ argument: Int, _ name: String) throws(LuaError) -> LuaReference {
        guard stack.type(at: index(argument)) == .function else { throw wrong(argument, name, "a function") }
        stack.pushCopy(of: index(argument))
        return state.popReference(from: stack)
    }

    public func requireTable(_ argument: Int, _ name: String) throws(LuaError) {
        guard stack.type(at: index(argument)) == .table else { throw wrong(argument, name, "a table") }
    }

    /// The error for an argument of another type.
    public func wrong(_ argument: Int, _ name: String, _ expected: String) -> LuaError {
        .argument(index: argument, name: name, expected: expected, found: stack.kind(at: index(argument)))
    }

    // MARK: results

    public func returning(_ value: Bool) -> HostFunction.Return {
        stack.push(value)
        return .results(1)
    }

    public func returning(_ value: Int) -> HostFunction.Return {
        stack.push(value)
        return .results(1)
    }

    public func returning(_ value: Double) -> HostFunction.Return {
        stack.push(value)
        return .results(1)
    }

    public func returning(_ value: String) -> HostFunction.Return {
        stack.push(value)
        return .results(1)
    }

    /// Returns a copy of argument `argument`; 0 is the receiver, so that setters chain.
    public func returningCopy(of argument: Int) -> HostFunction.Return {
        stack.pushCopy(of: index(argument))
        return .results(1)
    }

    // MARK: waiting and place

    /// - Throws: "cannot wait inside table.sort" where Lua cannot yield.
    public func checkCanWait() throws(LuaError) {
        guard !clua_can_wait(stack.thread) else { return }
        clua_push_wait_obstacle(stack.thread)
        defer { stack.pop() }
        throw .message("cannot wait inside \(stack.string(at: -1) ?? "")")
    }

    /// File and line of the Lua code that calls, as "hello.lua:3"; empty when it is not Lua code.
    public var callerPlace: String {
        clua_push_where(stack.thread)
        defer { stack.pop() }
        return stack.string(at: -1) ?? ""
    }

    /// File and line where a function argument is defined; nil for a host function.
    public func definition(_ argument: Int) -> (source: String, line: Int)? {
        clua_push_definition(stack.thread, Int32(index(argument)))
        defer { stack.pop(2) }
        guard let source = stack.string(at: -2), let line = stack.integer(at: -1) else { return nil }
        return (source, line)
    }
}
