import EventStream
import Lua
import NIOCore

/// One send: the event is read from the arguments, then queued; the result is Blazium's Error number or a boolean.
struct Sending {
    private let call: LuaCall
    private let arguments: EventArguments

    init(_ call: LuaCall, _ runtime: Runtime) {
        self.call = call
        self.arguments = EventArguments(call: call, json: runtime.json)
    }

    /// For calls that return an Error number: 33 where there is no connection, 3 where it is not active.
    func error(
        to connection: ConnectionObject?, _ frame: (EventArguments) throws(EventArguments.Failure) -> ByteBuffer
    ) throws(LuaError) -> HostFunction.Return {
        let encoded: ByteBuffer
        var arguments = arguments
        arguments.number = connection?.nextNumber
        do {
            encoded = try frame(arguments)
        } catch {
            guard case .misuse(let error) = error else { return result(.invalidParameter) }
            throw error
        }
        return send(StreamFrame(encoded), to: connection)
    }

    func send(_ frame: StreamFrame, to connection: ConnectionObject?) -> HostFunction.Return {
        guard let connection else { return result(.doesNotExist) }
        switch connection.send(frame) {
        case .sent:
            if frame.isEvent { connection.nextNumber? += 1 }
            return result(.ok)
        case .inactive: return result(.unconfigured)
        case .full: return result(.busy)
        }
    }

    private func result(_ code: ErrorConstants) -> HostFunction.Return { call.returning(code.rawValue) }

    /// For calls that return whether the event is queued and the stream alive.
    func success(
        _ connection: ConnectionObject,
        _ frame: (EventArguments) throws(EventArguments.Failure) -> StreamFrame
    ) throws(LuaError) -> HostFunction.Return {
        do {
            var arguments = arguments
            arguments.number = connection.nextNumber
            let encoded = try frame(arguments)
            let isSent = connection.send(encoded) == .sent
            if isSent, encoded.isEvent { connection.nextNumber? += 1 }
            return call.returning(isSent)
        } catch {
            guard case .misuse(let error) = error else { return call.returning(false) }
            throw error
        }
    }
}
