import Lua
import NIOCore

/// The singleton `JSON`.
struct JSONAPI {
    unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ builder: ClassBuilder) {
        let markers = runtime.json
        let functions: [(String, ClosedRange<Int>, HostFunction.Body)] = [
            ("encode", 1...2, { call throws(LuaError) in try Self.encode(call, markers) }),
            ("decode", 1...1, { call throws(LuaError) in Self.decode(try call.bytes(1, "text"), call, markers) }),
            ("array", 0...1, { call throws(LuaError) in try Self.array(call, markers) }),
        ]
        builder.namespace("JSON", functions) { json in
            markers.pushNull(on: builder.runtime.state.stack)
            json.value("null")
        }
    }

    private static func encode(_ call: LuaCall, _ markers: JSONMarkers) throws(LuaError) -> HostFunction.Return {
        var isPretty = false
        if !call.isMissing(2) {
            try call.requireTable(2, "options")
            try call.stack.forEachPair(of: call.index(2)) { () throws(LuaError) in
                let name = call.stack.description(at: -2)
                if name != "pretty" { throw .message("unknown option '\(name)' (known: pretty)") }
            }
            call.stack.pushField("pretty", of: call.index(2))
            isPretty = call.stack.boolean(at: -1)
            call.stack.pop()
        }
        var writer = JSONWriter(stack: call.stack, markers: markers, isPretty: isPretty)
        try writer.write(call.index(1))
        writer.buffer.withUnsafeReadableBytes { call.stack.push(bytes: $0) }
        return .results(1)
    }

    private static func array(_ call: LuaCall, _ markers: JSONMarkers) throws(LuaError) -> HostFunction.Return {
        if call.isMissing(1) {
            call.stack.pushTable()
        } else {
            try call.requireTable(1, "table")
            call.stack.pushCopy(of: call.index(1))
        }
        markers.markArray(-1, of: call.stack)
        return .results(1)
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
