import Lua

/// The part of the API that is written in Lua: signals, waiting, timers, `require`, and the dialects of other products.
struct Prelude {
    /// How its chunks are named; reports leave them out.
    static let chunkPrefix = "[mooncast]"

    let newSignal: LuaReference
    let takeCallbacks: LuaReference
    let wakeSignal: LuaReference
    let createTimer: LuaReference
    let objectFunctions: LuaReference
    let singletonFunctions: LuaReference
    let newEvent: LuaReference
    let runMiddleware: LuaReference
    let goOn: LuaReference
    let newEventStream: LuaReference
    let responseFunctions: LuaReference
    let requestFunctions: LuaReference

    /// Runs the chunks; each gets the table of host functions, which it adds to.
    init(host: LuaReference, in state: LuaState) throws(LuaError) {
        let chunks: [(String, [UInt8])] = [
            ("signal", PackageResources.signal_lua), ("timer", PackageResources.timer_lua),
            ("waiting", PackageResources.waiting_lua), ("require", PackageResources.require_lua),
            ("objects", PackageResources.objects_lua), ("event", PackageResources.event_lua),
            ("middleware", PackageResources.middleware_lua), ("hyperexpress", PackageResources.hyperexpress_lua),
            ("s42core", PackageResources.s42core_lua), ("swiftybase", PackageResources.swiftybase_lua),
        ]
        for (name, source) in chunks {
            let chunk = try state.compile(source, name: "\(Self.chunkPrefix)/\(name).lua")
            state.stack.push(chunk)
            state.stack.push(host)
            try state.call(arguments: 1, results: 0)
        }
        func member(_ name: String) -> LuaReference {
            state.stack.push(host)
            state.stack.pushField(name, of: -1)
            let reference = state.popReference(from: state.stack)
            state.stack.pop()
            return reference
        }
        newSignal = member("new_signal")
        takeCallbacks = member("take_callbacks")
        wakeSignal = member("wake_signal")
        createTimer = member("create_timer")
        objectFunctions = member("object_functions")
        singletonFunctions = member("singleton_functions")
        newEvent = member("new_event")
        runMiddleware = member("run_middleware")
        goOn = member("go_on")
        newEventStream = member("new_event_stream")
        responseFunctions = member("response_functions")
        requestFunctions = member("request_functions")
    }
}
