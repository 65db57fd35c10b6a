import Lua
import NIOCore

/// The table `JSON`.
struct JSONAPI {
    unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func register() {
        let state = runtime.state
        let markers = runtime.json
        state.stack.pushTable(fields: 4)
        state.pushFunction("JSON.encode", arguments: 1...2) { call throws(LuaError) in
            var isPretty = false
            if !call.isMissing(2) {
                try call.requireTable(2, "options")
                call.stack.pushField("pretty", of: call.index(2))
                isPretty = call.stack.boolean(at: -1)
                call.stack.pop()
            }
            var writer = JSONWriter(stack: call.stack, markers: markers, isPretty: isPretty)
            try writer.write(call.index(1))
            writer.buffer.withUnsafeReadableBytes { call.stack.push(bytes: $0) }
            return .results(1)
        }
        state.stack.setField("encode", of: -2)
        state.pushFunction("JSON.decode", arguments: 1...1) { call throws(LuaError) in
            Self.decode(try call.bytes(1, "text"), call, markers)
        }
        state.stack.setField("decode", of: -2)
        state.pushFunction("JSON.array", arguments: 0...1) { call throws(LuaError) in
            if call.isMissing(1) {
                call.stack.pushTable()
            } else {
                try call.requireTable(1, "table")
                call.stack.pushCopy(of: call.index(1))
            }
            markers.markArray(-1, of: call.stack)
            return .results(1)
        }
        state.stack.setField("array", of: -2)
        markers.pushNull(on: state.stack)
        state.stack.setField("null", of: -2)
        state.setGlobal("JSON")
    }

    /// Pushes the value, or nil and a message.
    static func decode(_ bytes: UnsafeRawBufferPointer, _ call: LuaCall, _ markers: JSONMarkers) -> HostFunction.Return
    {
        var reader = JSONReader(bytes, stack: call.stack, markers: markers)
        do {
            try reader.read()
            return .results(1)
        } catch {
            call.stack.pushNil()
            call.stack.push("JSON: \(error.description)")
            return .results(2)
        }
    }
}
