import Delivery
import EventStream
import Lua
import NIOCore
import PubSub

/// `SSEConnection`.
struct SSEConnectionAPI {
    unowned let runtime: Runtime
    static let signals = ["disconnected", "drained", "lagging"]

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ members: ClassBuilder.Members<ConnectionObject>) {
        registerProperties(members)
        registerSends(members)
        registerEnds(members)
        registerChannels(members)
        for name in Self.signals {
            members.keptProperty(name) { [unowned runtime] connection, call throws(LuaError) in
                Self.keep(connection, call, runtime)
                try runtime.pushNewSignal(name, on: call.stack)
            }
        }
        members.type.onFirstOwnField { [unowned runtime] connection, call in Self.keep(connection, call, runtime) }
        runtime.addObjectFunctions(to: members, instance: "connection")
        registerConstructor(members)
    }

    /// What a script hangs on a connection lives until the stream ends, whether or not the script holds the object.
    private static func keep(_ connection: ConnectionObject, _ call: LuaCall, _ runtime: Runtime) {
        guard connection.pin == nil else { return }
        switch connection.phase {
        case .inactive, .closed: return
        case .opening, .open, .closing: break
        }
        call.stack.pushCopy(of: 1)
        connection.pin = runtime.state.popReference(from: call.stack)
    }

    private func registerProperties(_ members: ClassBuilder.Members<ConnectionObject>) {
        func checkInactive(_ connection: ConnectionObject) throws(LuaError) {
            guard case .inactive = connection.phase else { throw .message("cannot be changed on a stream") }
        }
        members.property(
            "connection_id",
            get: { connection, call in call.returning(connection.id) },
            set: { connection, call throws(LuaError) in
                try checkInactive(connection)
                connection.id = try call.integer(1, "connection_id")
                return .none
            })
        members.property(
            "path",
            get: { connection, call in call.returning(connection.path) },
            set: { connection, call throws(LuaError) in
                try checkInactive(connection)
                connection.path = try call.string(1, "path")
                return .none
            })
        members.property(
            "id",
            get: { connection, call in call.returning(connection.assignedID) },
            set: { connection, call throws(LuaError) in
                connection.assignedID = try call.string(1, "id")
                return .none
            })
        members.property("uuid", get: { connection, call in call.returning(connection.uuid) })
        members.property("active", get: { connection, call in call.returning(connection.isActive) })
        members.property("last_event_id", get: { connection, call in call.returning(connection.lastEventID) })
        members.property(
            "buffered_bytes", get: { connection, call in call.returning(connection.handle?.ledger.bufferedBytes ?? 0) })
        members.property(
            "events_sent", get: { connection, call in call.returning(connection.handle?.ledger.eventsSent ?? 0) })
        members.property("opened_at", get: { connection, call in call.returning(connection.openedAt) })
        members.property(
            "request",
            get: { [unowned runtime] connection, call in
                guard let request = connection.opening?.request else {
                    call.stack.pushNil()
                    return .results(1)
                }
                runtime.classes.request.push(request, on: call.stack)
                return .results(1)
            })
        members.method("is_connection_active", 0...0) { connection, call in call.returning(connection.isActive) }
    }

    private func registerSends(_ members: ClassBuilder.Members<ConnectionObject>) {
        members.method("send_event", 2...3) { [unowned runtime] connection, call throws(LuaError) in
            try Sending(call, runtime).error(to: connection) { arguments throws(EventArguments.Failure) in
                try arguments.frame(data: 2, type: 1, id: 3)
            }
        }
        members.method("send_data", 1...1) { [unowned runtime] connection, call throws(LuaError) in
            try Sending(call, runtime).error(to: connection) { arguments throws(EventArguments.Failure) in
                try arguments.frame(data: 1)
            }
        }
        members.method("send", 1...3) { [unowned runtime] connection, call throws(LuaError) in
            let sending = Sending(call, runtime)
            if call.count == 1, call.stack.type(at: call.index(1)) == .table, !runtime.isJSONValue(call) {
                return try sending.success(connection) { arguments throws(EventArguments.Failure) in
                    try arguments.frame(table: 1)
                }
            }
            return try sending.success(connection) { arguments throws(EventArguments.Failure) in
                switch call.count {
                case 1: StreamFrame(try arguments.frame(data: 1))
                case 2: StreamFrame(try arguments.frame(data: 2, type: 1))
                default: StreamFrame(try arguments.frame(data: 3, type: 2, id: 1, keepsEmptyID: true))
                }
            }
        }
        members.method("comment", 0...1) { connection, call throws(LuaError) in
            let text = call.isMissing(1) ? UnsafeRawBufferPointer(start: nil, count: 0) : try call.bytes(1, "text")
            var frame = ByteBuffer()
            EventEncoder.writeComment(text, to: &frame)
            return call.returning(connection.send(StreamFrame(frame, isEvent: false)) == .sent)
        }
        members.method("retry", 1...1) { connection, call throws(LuaError) in
            var frame = ByteBuffer()
            EventEncoder.writeRetry(try call.integer(1, "retry_ms"), to: &frame)
            return call.returning(connection.send(StreamFrame(frame, isEvent: false)) == .sent)
        }
    }

    private func registerEnds(_ members: ClassBuilder.Members<ConnectionObject>) {
        for name in ["close", "close_connection"] {
            members.method(name, 0...0) { connection, call in call.returning(connection.close(.server)) }
        }
        members.method("finish", 0...1) { connection, call throws(LuaError) in
            let data = call.isMissing(1) ? UnsafeRawBufferPointer(start: nil, count: 0) : try call.bytes(1, "data")
            var frame = ByteBuffer()
            let event = Array("end".utf8)
            let id = Array(FinishedStream.id.utf8)
            id.withUnsafeBytes { id in
                // Neither field can be refused.
                event.withUnsafeBytes { event in try? EventEncoder.write(id: id, type: event, data: data, to: &frame) }
            }
            guard connection.send(StreamFrame(frame)) == .sent else { return call.returning(false) }
            return call.returning(connection.close(.server))
        }
    }

    private func registerChannels(_ members: ClassBuilder.Members<ConnectionObject>) {
        members.method("join", 1...2) { [unowned runtime] connection, call throws(LuaError) in
            let argument = ChannelArgument(runtime: runtime, call: call)
            let result = try runtime.join(connection, try argument.channel(1), try argument.joining(2))
            return call.returning(result.rawValue)
        }
        members.method("leave", 1...1) { [unowned runtime] connection, call throws(LuaError) in
            let channel = try ChannelArgument(runtime: runtime, call: call).channel(1)
            let hasLeft = channel.publisher.hub.leave(connection.id, channel.name)
            return call.returning((hasLeft ? ErrorConstants.ok : .doesNotExist).rawValue)
        }
        members.property(
            "channels",
            get: { [unowned runtime] connection, call in
                let names = runtime.publishers.flatMap { $0.0.hub.channels(of: connection.id) }
                call.stack.pushTable(array: names.count)
                for (index, name) in names.enumerated() {
                    name.bytes.withUnsafeBytes { call.stack.push(bytes: $0) }
                    call.stack.setElement(index + 1, of: -2)
                }
                return .results(1)
            })
    }

    /// `SSEConnection.new()`: an inactive one.
    private func registerConstructor(_ members: ClassBuilder.Members<ConnectionObject>) {
        let state = runtime.state
        state.stack.pushTable(fields: 1)
        state.pushFunction("SSEConnection.new", arguments: 0...0) { [unowned runtime] call in
            runtime.classes.connection.push(ConnectionObject(), on: call.stack)
            return .results(1)
        }
        state.stack.setField("new", of: -2)
        state.setGlobal("SSEConnection")
    }
}
