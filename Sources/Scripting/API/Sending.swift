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
        let numbering = connection.flatMap(Self.numbering(of:))
        do {
            encoded = try frame(arguments.numbered(numbering))
        } catch {
            guard case .misuse(let error) = error else { return result(.invalidParameter) }
            throw error
        }
        return send(StreamFrame(encoded), to: connection, numbering)
    }

    func send(
        _ frame: StreamFrame, to connection: ConnectionObject?, _ numbering: EventArguments.Numbering? = nil
    ) -> HostFunction.Return {
        guard let connection else { return result(.doesNotExist) }
        switch Self.send(frame, to: connection, numbering) {
        case .sent: return result(.ok)
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
            let numbering = Self.numbering(of: connection)
            let encoded = try frame(arguments.numbered(numbering))
            return call.returning(Self.send(encoded, to: connection, numbering) == .sent)
        } catch {
            guard case .misuse(let error) = error else { return call.returning(false) }
            throw error
        }
    }

    // MARK: numbers

    private static func numbering(of connection: ConnectionObject) -> EventArguments.Numbering? {
        connection.nextNumber.map(EventArguments.Numbering.init)
    }

    /// A number counts as given once an event bears it.
    private static func send(
        _ frame: StreamFrame, to connection: ConnectionObject, _ numbering: EventArguments.Numbering?
    ) -> ConnectionObject.SendResult {
        let result = connection.send(frame)
        if result == .sent, let numbering, numbering.isTaken { connection.nextNumber = numbering.number + 1 }
        return result
    }
}
