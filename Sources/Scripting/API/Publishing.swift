import Lua
import PubSub

/// One publish: the event is read from the arguments, then given to the broker.
struct Publishing {
    private let runtime: Runtime
    private let call: LuaCall

    init(_ runtime: Runtime, _ call: LuaCall) {
        self.runtime = runtime
        self.call = call
    }

    /// Returns Blazium's Error number: 3 where the publisher is not started, 31 for a field that no stream can have, 44
    /// where too much waits for its broker, 27 where that is out of reach.
    func publish(to channel: ChannelName, of publisher: PublisherObject, eventAt first: Int) throws(LuaError)
        -> HostFunction.Return
    {
        guard let event = try event(first) else { return call.returning(ErrorConstants.invalidParameter.rawValue) }
        return call.returning((runtime.publish(event, to: channel, of: publisher) ?? .ok).rawValue)
    }

    /// Returns the event's id, or nil and the Error number.
    func publishAndWait(to channel: ChannelName, of publisher: PublisherObject, eventAt first: Int) throws(LuaError)
        -> HostFunction.Return
    {
        guard let event = try event(first) else { return refused(.invalidParameter) }
        if publisher.remote != nil { try call.checkCanWait() }  // before it is published
        var refusal: ErrorConstants?
        let runtime = runtime
        return try runtime.awaiting(call) { (answer: @escaping (Result<PublicationID, BrokerFailure>?) -> Void) in
            refusal = runtime.publish(event, to: channel, of: publisher) { answer($0) }
            if refusal != nil { answer(nil) }
        } push: { result, stack in
            switch result {
            case .success(let id): stack.push(event.id ?? id.description)
            case .failure(let failure): return failure.push(on: stack)
            case nil:
                stack.pushNil()
                stack.push((refusal ?? .failed).rawValue)
                return 2
            }
            return 1
        }
    }

    private func refused(_ error: ErrorConstants) -> HostFunction.Return {
        call.stack.pushNil()
        call.stack.push(error.rawValue)
        return .results(2)
    }

    /// An event alone (its fields, or data), or a type and data. Nil for CR, LF or NUL in a field.
    private func event(_ first: Int) throws(LuaError) -> OutgoingEvent? {
        let arguments = EventArguments(call: call, json: runtime.json)
        do {
            if call.count == first {
                let isFields =
                    call.stack.type(at: call.index(first)) == .table
                    && !runtime.json.isNull(call.index(first), of: call.stack)
                    && !runtime.json.isMarkedArray(call.index(first), of: call.stack)
                return isFields
                    ? try arguments.outgoing(table: first) : OutgoingEvent(body: try arguments.frame(data: first))
            }
            return OutgoingEvent(body: try arguments.frame(data: first + 1, type: first))
        } catch {
            guard case .misuse(let error) = error else { return nil }
            throw error
        }
    }
}
