import EventStream
import HTTP
import Logging
import Lua
import NIOCore

/// The singleton `HTTPServer`.
final class HTTPServerAPI {
    private unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ builder: ClassBuilder) throws(LuaError) {
        let server = builder.singleton("HTTPServer", self)
        registerListening(server)
        registerRoutes(server)
        registerStreams(server)
        CORSAPI(runtime: runtime).register(server)
        let state = runtime.state
        for signal in HostSignal.allCases {
            try runtime.pushNewSignal(signal.name, watch: signal.rawValue, on: state.stack)
            state.stack.pushCopy(of: -1)
            runtime.register(signal, state.popReference(from: state.stack))
            server.value(signal.name)
        }
        try runtime.addSingletonFunctions(to: server)
        server.type.push(self, on: state.stack)
        state.setGlobal("HTTPServer")
    }

    // MARK: listening

    private func registerListening(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("listen", 1...2) { [unowned runtime] _, call throws(LuaError) in
            let port = try call.integer(1, "port")
            let address = try call.string(2, "bind_address", default: "*")
            guard (0...65535).contains(port) else {
                throw .message("argument 1 (port) must be 0 to 65535, got \(port)")
            }
            guard !runtime.listener.isListening else { return call.returning(ErrorConstants.alreadyInUse.rawValue) }
            do throws(ListeningSocket.Failure) {
                try runtime.listener.listen(port: port, address: address)
                return call.returning(ErrorConstants.ok.rawValue)
            } catch {
                runtime.log.error("HTTPServer.listen: \(error.description)")
                return call.returning(Self.code(error).rawValue)
            }
        }
        server.method("stop", 0...0) { [unowned runtime] _, _ in
            runtime.listener.stop()
            _ = runtime.server?.shutDown(retry: ShutdownRetry.spread)
            return .none
        }
        server.method("is_listening", 0...0) { [unowned runtime] _, call in call.returning(runtime.listener.isListening)
        }
        server.method("get_stats", 0...0) { [unowned runtime] _, call in
            StatisticsTable(stack: call.stack).push(runtime.readStatistics())
            return .results(1)
        }
        server.method("get_port", 0...0) { [unowned runtime] _, call in call.returning(runtime.listener.port) }
    }

    private static func code(_ failure: ListeningSocket.Failure) -> ErrorConstants {
        if failure.isInUse { return .alreadyInUse }
        if failure.isForbidden { return .fileNoPermission }
        return failure.isBadAddress ? .invalidParameter : .cantCreate
    }

    // MARK: routes

    private static let methods: Set<String> = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "*"]

    private func registerRoutes(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("register_route", 3...3) { [unowned runtime] _, call throws(LuaError) in
            let method = try call.string(1, "method").uppercased()
            guard Self.methods.contains(method) else {
                throw .message(
                    "argument 1 (method) must be GET, POST, PUT, DELETE, PATCH, OPTIONS, HEAD or *, got '\(method)'")
            }
            let path = try call.string(2, "path")
            let callback = try call.function(3, "callback")
            let pattern: RoutePattern
            do throws(RoutePattern.Invalid) { pattern = try RoutePattern(path) } catch {
                throw .message("argument 2 (path) '\(path)' \(error.reason)")
            }
            let place = call.definition(3)
            runtime.routes.add(
                method: method, pattern: pattern, callback: callback, source: place?.source ?? "",
                line: place?.line ?? 0)
            runtime.routesChanged()
            return .none
        }
        server.method("unregister_route", 2...2) { [unowned runtime] _, call throws(LuaError) in
            runtime.routes.remove(method: try call.string(1, "method").uppercased(), path: try call.string(2, "path"))
            runtime.routesChanged()
            return .none
        }
        server.method("clear_routes", 0...0) { [unowned runtime] _, _ in
            runtime.routes.removeAll()
            runtime.routesChanged()
            return .none
        }
        server.method("get_routes", 0...0) { [unowned runtime] _, call in
            let stack = call.stack
            stack.pushTable(array: runtime.routes.entries.count)
            for (index, entry) in runtime.routes.entries.enumerated() {
                stack.pushTable(fields: 4)
                for (name, value) in [
                    ("method", entry.route.method), ("path", entry.route.pattern.text), ("source", entry.source),
                ] {
                    stack.push(value)
                    stack.setField(name, of: -2)
                }
                stack.push(entry.line)
                stack.setField("line", of: -2)
                stack.setElement(index + 1, of: -2)
            }
            return .results(1)
        }
    }

    // MARK: streams

    private func registerStreams(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("send_sse_event", 3...4) { [unowned runtime] _, call throws(LuaError) in
            let id = try call.integer(1, "connection_id")
            return try Sending(call, runtime).error { arguments throws(EventArguments.Failure) in
                try arguments.frame(data: 3, type: 2, id: 4)
            } to: {
                runtime.streams.active(id)
            }
        }
        server.method("send_sse_data", 2...2) { [unowned runtime] _, call throws(LuaError) in
            let id = try call.integer(1, "connection_id")
            return try Sending(call, runtime).error { arguments throws(EventArguments.Failure) in
                try arguments.frame(data: 2)
            } to: {
                runtime.streams.active(id)
            }
        }
        server.method("send_sse_retry", 2...2) { [unowned runtime] _, call throws(LuaError) in
            let id = try call.integer(1, "connection_id")
            var frame = ByteBuffer()
            EventEncoder.writeRetry(try call.integer(2, "retry_ms"), to: &frame)
            return Sending(call, runtime).send(StreamFrame(frame, isEvent: false), to: runtime.streams.active(id))
        }
        server.method("send_sse_comment", 1...2) { [unowned runtime] _, call throws(LuaError) in
            let id = try call.integer(1, "connection_id")
            let text = call.isMissing(2) ? UnsafeRawBufferPointer(start: nil, count: 0) : try call.bytes(2, "comment")
            var frame = ByteBuffer()
            EventEncoder.writeComment(text, to: &frame)
            return Sending(call, runtime).send(StreamFrame(frame, isEvent: false), to: runtime.streams.active(id))
        }
        server.method("close_sse_connection", 1...1) { [unowned runtime] _, call throws(LuaError) in
            _ = runtime.streams.active(try call.integer(1, "connection_id"))?.close(.server)
            return .none
        }
        server.method("get_active_sse_connections", 0...0) { [unowned runtime] _, call in
            let ids = runtime.streams.activeIDs
            call.stack.pushTable(array: ids.count)
            for (index, id) in ids.enumerated() {
                call.stack.push(id)
                call.stack.setElement(index + 1, of: -2)
            }
            return .results(1)
        }
        server.method("get_sse_connection", 1...1) { [unowned runtime] _, call throws(LuaError) in
            if let connection = runtime.streams.active(try call.integer(1, "connection_id")) {
                runtime.classes.connection.push(connection, on: call.stack)
            } else {
                call.stack.pushNil()
            }
            return .results(1)
        }
        server.method("channel", 1...1) { [unowned runtime] _, call throws(LuaError) in
            let name = try ChannelArgument(runtime: runtime, call: call).name(1)
            runtime.classes.channel.push(runtime.defaultPublisher.channel(name), on: call.stack)
            return .results(1)
        }
        server.method("broadcast", 1...2) { [unowned runtime] _, call throws(LuaError) in
            do {
                let arguments = EventArguments(call: call, json: runtime.json)
                if call.count == 2 {
                    return call.returning(runtime.broadcast(StreamFrame(try arguments.frame(data: 2, type: 1))))
                }
                try call.requireTable(1, "event")
                return call.returning(runtime.broadcast(try arguments.frame(table: 1)))
            } catch EventArguments.Failure.misuse(let error) {
                throw error
            } catch let error as LuaError {
                throw error
            } catch {
                throw .message("the event's type and id must not hold CR, LF or NUL")
            }
        }
    }
}
