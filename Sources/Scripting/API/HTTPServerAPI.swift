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
        registerMiddleware(server)
        registerStreams(server)
        registerLimits(server)
        registerCompression(server)
        StaticDirectoryAPI(runtime: runtime).register(server)
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
        server.method("listen", 1...5) { [unowned runtime] _, call throws(LuaError) in
            call.returning(try Listening(runtime: runtime, call: call).listen().rawValue)
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

    private func registerMiddleware(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("use", 1...2) { [unowned runtime] _, call throws(LuaError) in
            let path = call.count == 1 ? "/" : try call.string(1, "path_prefix")
            let callback = try call.function(call.count, "callback")
            guard let prefix = RoutePrefix(path) else {
                throw .message("argument 1 (path_prefix) '\(path)' must begin with '/'")
            }
            runtime.middleware.use(prefix, callback)
            runtime.routesChanged()
            return .none
        }
        server.method("set_error_handler", 1...1) { [unowned runtime] _, call throws(LuaError) in
            runtime.middleware.errorHandler = call.isMissing(1) ? nil : try call.function(1, "callback")
            return .none
        }
        server.method("set_not_found_handler", 1...1) { [unowned runtime] _, call throws(LuaError) in
            runtime.middleware.notFoundHandler = call.isMissing(1) ? nil : try call.function(1, "callback")
            runtime.routesChanged()
            return .none
        }
        server.method("complete_response", 2...2) { [unowned runtime] _, call throws(LuaError) in
            let client = try call.integer(1, "client_id")
            let response =
                call.isMissing(2) ? nil : try runtime.classes.response.argument(2, "response", of: call)
            return call.returning(runtime.complete(client, response).rawValue)
        }
    }

    // MARK: limits

    /// 1 KiB and 1 GiB.
    private static let requestSizes = 1 << 10...1 << 30

    private func registerLimits(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("set_limits", 1...1) { [unowned runtime] _, call throws(LuaError) in
            try call.requireTable(1, "limits")
            let table = LimitsTable(stack: call.stack)
            runtime.setLimits(try table.read(at: call.index(1), changing: runtime.limits))
            return .none
        }
        server.method("get_limits", 0...0) { [unowned runtime] _, call in
            LimitsTable(stack: call.stack).push(runtime.limits)
            return .results(1)
        }
        server.method("set_max_request_size", 1...1) { [unowned runtime] _, call throws(LuaError) in
            let bytes = try call.integer(1, "bytes")
            var limits = runtime.limits
            limits.maxBodyBytes = min(max(bytes, Self.requestSizes.lowerBound), Self.requestSizes.upperBound)
            runtime.setLimits(limits)
            return .none
        }
        server.method("get_max_request_size", 0...0) { [unowned runtime] _, call in
            call.returning(runtime.limits.maxBodyBytes)
        }
    }

    // MARK: compression

    private func registerCompression(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("set_compression_enabled", 1...1) { [unowned runtime] _, call throws(LuaError) in
            runtime.compresses = try call.boolean(1, "enabled")
            return .none
        }
        server.method("is_compression_enabled", 0...0) { [unowned runtime] _, call in
            call.returning(runtime.compresses)
        }
    }

    // MARK: streams

    private func registerStreams(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("send_sse_event", 3...4) { [unowned runtime] _, call throws(LuaError) in
            let id = try call.integer(1, "connection_id")
            return try Sending(call, runtime).error(to: runtime.streams.active(id)) {
                arguments throws(EventArguments.Failure) in
                try arguments.frame(data: 3, type: 2, id: 4)
            }
        }
        server.method("send_sse_data", 2...2) { [unowned runtime] _, call throws(LuaError) in
            let id = try call.integer(1, "connection_id")
            return try Sending(call, runtime).error(to: runtime.streams.active(id)) {
                arguments throws(EventArguments.Failure) in
                try arguments.frame(data: 2)
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
