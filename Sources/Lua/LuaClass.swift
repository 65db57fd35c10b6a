internal import CLua

/// A Swift class as scripts see it: methods called with `:`, properties, and perhaps own fields.
///
/// Members are made once, at registration; looking one up allocates nothing.
public struct LuaClass<Object: AnyObject> {
    public typealias Body = (Object, LuaCall) throws(LuaError) -> HostFunction.Return

    public let name: String
    private let state: Unmanaged<LuaState>
    private let number: Int32

    /// - Parameters:
    ///   - name: the class's name in Lua.
    ///   - instance: what messages call an object of it ("use response:start_sse()").
    ///   - ownFields: whether a script may assign names that are no member's.
    public init(_ name: String, instance: String, ownFields: Bool, in state: LuaState) {
        self.name = name
        self.state = Unmanaged.passUnretained(state)
        self.number = clua_new_class(state.stack.thread, name, instance, ownFields)
    }

    private func add(_ member: String, _ arguments: ClosedRange<Int>, _ body: @escaping Body) -> Int32 {
        let number = self.number
        let function = HostFunction(name: member.isEmpty ? "" : "\(name).\(member)", receiver: 1, arguments: arguments)
        { call throws(LuaError) in
            guard let object = clua_to_object(call.stack.thread, 1, number) else {
                throw .message("the object is of another class")
            }
            return try body(Self.object(object), call)
        }
        return state._withUnsafeGuaranteedRef { $0.add(function) }
    }

    private var thread: OpaquePointer { state._withUnsafeGuaranteedRef { $0.stack.thread } }

    /// Adds a method that is called with `:`.
    public func method(_ name: String, _ arguments: ClosedRange<Int>, _ body: @escaping Body) {
        clua_add_method(thread, number, name, add(name, arguments, body))
    }

    /// Adds a method of a singleton: called with `.` or `:` alike.
    public func boundMethod(of object: Object, _ name: String, _ arguments: ClosedRange<Int>, _ body: @escaping Body) {
        push(object, on: LuaStack(thread: thread))
        clua_push_bound_function(thread, add(name, arguments, body))
        clua_add_value(thread, number, name)
        LuaStack(thread: thread).pop()
    }

    /// Adds the value on top of the main stack, popped, as a member.
    public func value(_ name: String) { clua_add_value(thread, number, name) }

    /// Adds a property; without a setter it cannot be assigned.
    public func property(_ name: String, get: @escaping Body, set: Body? = nil) {
        let setter = set.map { add(name, 1...1, $0) } ?? -1
        clua_add_property(thread, number, name, add(name, 0...0, get), setter)
    }

    /// Called when an object gets its first own field, so that the host can keep the Lua value alive.
    public func onFirstOwnField(_ body: @escaping (Object, LuaCall) -> Void) {
        clua_set_pin(
            thread, number,
            add("", 0...0) { object, call in
                body(object, call)
                return .none
            })
    }

    /// Called for a name that is no member, where own fields are not allowed; throws the message.
    public func onUnknownMember(_ body: @escaping Body) { clua_set_unknown(thread, number, add("", 1...1, body)) }

    /// Pushes the one Lua value of the object; the value holds the object.
    public func push(_ object: Object, on stack: LuaStack) {
        let retained = Unmanaged<AnyObject>.passRetained(object)
        if !clua_push_object(stack.thread, number, retained.toOpaque()) { retained.release() }
    }

    /// The object at a stack index; nil for any other value.
    public func object(at index: Int, of stack: LuaStack) -> Object? {
        clua_to_object(stack.thread, Int32(index), number).map { Self.object($0) }
    }

    /// C has checked the class. Not `Unmanaged<Object>`, whose metadata would be looked up in every call.
    private static func object(_ pointer: UnsafeMutableRawPointer) -> Object {
        unsafeDowncast(Unmanaged<AnyObject>.fromOpaque(pointer).takeUnretainedValue(), to: Object.self)
    }

    /// The object that an argument is.
    public func argument(_ argument: Int, _ name: String, of call: LuaCall) throws(LuaError) -> Object {
        if let object = object(at: call.index(argument), of: call.stack) { return object }
        throw call.wrong(argument, name, "a \(self.name)")
    }

    /// Pushes the table of values that the host hangs on the object at `index` (its signals); made when asked.
    public func pushAttachments(of index: Int, on stack: LuaStack, create: Bool) {
        clua_push_attachments(stack.thread, Int32(index), create)
    }
}
