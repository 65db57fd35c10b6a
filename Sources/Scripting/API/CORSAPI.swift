import HTTP
import Lua

/// What `HTTPServer` says of pages of other origins.
struct CORSAPI {
    unowned let runtime: Runtime

    func register(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("set_cors_enabled", 1...1) { [unowned runtime] _, call throws(LuaError) in
            runtime.cors.isEnabled = try call.boolean(1, "enabled")
            return .none
        }
        server.method("is_cors_enabled", 0...0) { [unowned runtime] _, call in call.returning(runtime.cors.isEnabled) }
        server.method("set_cors_credentials", 1...1) { [unowned runtime] _, call throws(LuaError) in
            runtime.cors.allowsCredentials = try call.boolean(1, "allowed")
            return .none
        }
        server.method("get_cors_credentials", 0...0) { [unowned runtime] _, call in
            call.returning(runtime.cors.allowsCredentials)
        }
        registerOrigins(server)
    }

    private func registerOrigins(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("set_cors_origin", 1...1) { [unowned runtime] _, call throws(LuaError) in
            let text = try call.string(1, "origin")
            do throws(OriginArgument.Invalid) {
                runtime.cors.origins = .always(try OriginArgument.one(text))
            } catch {
                throw .message("argument 1 (origin) \(error.reason)")
            }
            return .none
        }
        server.method("get_cors_origin", 0...0) { [unowned runtime] _, call in
            call.returning(runtime.cors.originList.first ?? "")
        }
        server.method("set_cors_origins", 1...1) { [unowned runtime] _, call throws(LuaError) in
            try call.requireTable(1, "origins")
            call.stack.pushCopy(of: call.index(1))
            guard let texts = StreamOptions.strings(call.stack) else {
                throw .message("argument 1 (origins) must be a list of strings")
            }
            do throws(OriginArgument.Invalid) {
                runtime.cors.origins = try OriginArgument.list(texts).map { .oneOf($0) } ?? .always("*")
            } catch {
                throw .message("argument 1 (origins) \(error.reason)")
            }
            return .none
        }
        server.method("get_cors_origins", 0...0) { [unowned runtime] _, call in
            let origins = runtime.cors.originList
            call.stack.pushTable(array: origins.count)
            for (index, origin) in origins.enumerated() {
                call.stack.push(origin)
                call.stack.setElement(index + 1, of: -2)
            }
            return .results(1)
        }
    }
}
