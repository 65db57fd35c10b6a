import Delivery
import Lua

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `Registry`, `UUID`, `Time` and `Env`.
struct Services {
    unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ builder: ClassBuilder) {
        builder.namespace("UUID", [("v4", 0...0, { call in call.returning(UUIDv4.make()) })])
        builder.namespace(
            "Time",
            [
                (
                    "now", 0...0,
                    { call in
                        var now = timespec()
                        clock_gettime(CLOCK_REALTIME, &now)
                        return call.returning(Double(now.tv_sec) + Double(now.tv_nsec) / 1e9)
                    }
                ),
                (
                    "monotonic", 0...0,
                    { [unowned runtime] call in call.returning(MonotonicSeconds.of(runtime.scheduler.timers.now)) }
                ),
            ])
        builder.namespace(
            "Env",
            [
                (
                    "get", 1...2,
                    { call throws(LuaError) in
                        if let value = getenv(try call.string(1, "name")) {
                            call.stack.push(bytes: UnsafeRawBufferPointer(start: value, count: strlen(value)))
                            return .results(1)
                        }
                        if call.count < 2 { call.stack.pushNil() } else { call.stack.pushCopy(of: call.index(2)) }
                        return .results(1)
                    }
                )
            ])
        registerRegistry(builder)
    }

    /// Values by key for the whole process; `get` returns the very value.
    private func registerRegistry(_ builder: ClassBuilder) {
        let state = runtime.state
        state.stack.pushTable()
        let values = state.popReference(from: state.stack)
        func push(_ call: LuaCall) throws(LuaError) {
            _ = try call.bytes(1, "key")
            call.stack.push(values)
            call.stack.pushCopy(of: call.index(1))
            call.stack.replaceTopKey(byValueOf: -2)
        }
        builder.namespace(
            "Registry",
            [
                (
                    "has", 1...1,
                    { call throws(LuaError) in
                        try push(call)
                        return call.returning(!call.stack.isNil(at: -1))
                    }
                ),
                (
                    "get", 1...2,
                    { call throws(LuaError) in
                        try push(call)
                        if call.stack.isNil(at: -1), call.count >= 4 { call.stack.pushCopy(of: call.index(2)) }
                        return .results(1)
                    }
                ),
                (
                    "set", 2...2,
                    { call throws(LuaError) in
                        _ = try call.bytes(1, "key")
                        call.stack.push(values)
                        call.stack.pushCopy(of: call.index(1))
                        call.stack.pushCopy(of: call.index(2))
                        call.stack.setTopPair(of: -3)
                        return .none
                    }
                ),
                (
                    "remove", 1...1,
                    { call throws(LuaError) in
                        _ = try call.bytes(1, "key")
                        call.stack.push(values)
                        call.stack.pushCopy(of: call.index(1))
                        call.stack.pushNil()
                        call.stack.setTopPair(of: -3)
                        return .none
                    }
                ),
            ])
    }
}
