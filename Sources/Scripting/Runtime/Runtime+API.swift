import Delivery
import EventStream
import HTTP
import Lua
import NIOCore

/// What the API's classes ask of the runtime.
extension Runtime {
    func routesChanged() { server?.setRouter(routes.router(middleware)) }

    /// Gives an event to every open stream of this node; returns how many.
    func broadcast(_ frame: StreamFrame) -> Int {
        let opening = streams.opening
        for connection in opening { _ = connection.send(frame) }
        server?.broadcast(frame)
        return streams.activeCount
    }

    /// Whether a table argument is data rather than the fields of an event: `JSON.null`, or a marked array.
    func isJSONValue(_ call: LuaCall) -> Bool {
        json.isNull(call.index(1), of: call.stack) || json.isMarkedArray(call.index(1), of: call.stack)
    }

    // MARK: the prelude's objects

    /// Pushes what `response.sse` is: nil where the request is no GET.
    func pushNewEventStream(for response: ResponseObject, on stack: LuaStack) throws(LuaError) {
        let main = state.stack
        main.push(prelude.newEventStream)
        classes.request.push(response.requestObject, on: main)
        classes.response.push(response, on: main)
        try state.call(arguments: 2, results: 1)
        if main.thread != stack.thread { main.move(1, to: stack) }
    }

    /// Pushes a new signal; with `watch`, the host is told whether anybody listens.
    func pushNewSignal(_ name: String, watch: Int? = nil, on stack: LuaStack) throws(LuaError) {
        let main = state.stack
        main.push(prelude.newSignal)
        main.push(name)
        if let watch { main.push(watch) } else { main.pushNil() }
        try state.call(arguments: 2, results: 1)
        if main.thread != stack.thread { main.move(1, to: stack) }
    }

    /// Godot's `connect(name, callback)` and its like, for objects called with `:`.
    func addObjectFunctions<Object>(to members: ClassBuilder.Members<Object>, instance: String) {
        let stack = state.stack
        stack.push(prelude.objectFunctions)
        stack.push(instance)
        guard (try? state.call(arguments: 1, results: 1)) != nil else { return }
        addTopFunctions(to: members)
    }

    /// Functions of the prelude that are called with `:`.
    func addFunctions<Object>(_ functions: LuaReference, to members: ClassBuilder.Members<Object>) {
        state.stack.push(functions)
        addTopFunctions(to: members)
    }

    /// Adds those of the table on top of the main stack, popped.
    private func addTopFunctions<Object>(to members: ClassBuilder.Members<Object>) {
        for name in fieldNames(of: -1) {
            members.names.add(name)
            state.stack.pushField(name, of: -1)
            members.type.value(name)
        }
        state.stack.pop()
    }

    /// Godot's functions for a singleton.
    func addSingletonFunctions<Object>(to singleton: ClassBuilder.Singleton<Object>) throws(LuaError) {
        let stack = state.stack
        stack.push(prelude.singletonFunctions)
        singleton.type.push(singleton.object, on: stack)
        try state.call(arguments: 1, results: 1)
        for name in fieldNames(of: -1) {
            stack.pushField(name, of: -1)
            singleton.value(name)
        }
        stack.pop()
    }

    private func fieldNames(of table: Int) -> [String] {
        var names: [String] = []
        state.stack.forEachPair(of: table) { names.append(state.stack.string(at: -2) ?? "") }
        return names
    }
}
