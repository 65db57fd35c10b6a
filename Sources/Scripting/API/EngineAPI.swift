import Lua

/// The singleton `Engine`.
final class EngineAPI {
    private unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ builder: ClassBuilder) throws(LuaError) {
        let engine = builder.singleton("Engine", self)
        engine.property(
            "ticks_per_second",
            get: { [unowned runtime] _, call in call.returning(runtime.nodes.ticksPerSecond) },
            set: { [unowned runtime] _, call throws(LuaError) in
                let value = try call.number(1, "ticks_per_second")
                guard value >= 0, value <= 1000 else {
                    throw .message("argument 1 (ticks_per_second) must be 0 to 1000, got \(value)")
                }
                runtime.nodes.ticksPerSecond = value
                return .none
            })
        let state = runtime.state
        state.stack.push(runtime.prelude.createTimer)
        // Written in Lua: `.` or `:` is settled there, as for the other singletons.
        engine.value("create_timer")
        engine.type.push(self, on: state.stack)
        state.setGlobal("Engine")
    }
}
