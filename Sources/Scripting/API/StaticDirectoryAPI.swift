import Lua

/// What `HTTPServer` says about files.
struct StaticDirectoryAPI {
    unowned let runtime: Runtime

    func register(_ server: ClassBuilder.Singleton<HTTPServerAPI>) {
        server.method("set_static_directory", 1...1) { [unowned runtime] _, call throws(LuaError) in
            let path = try call.string(1, "path")
            guard runtime.staticDirectory.use(path) else {
                throw .message("argument 1 (path) must be a directory or '', got '\(path)'")
            }
            return .none
        }
        server.method("get_static_directory", 0...0) { [unowned runtime] _, call in
            call.returning(runtime.staticDirectory.path)
        }
        server.method("enable_directory_listing", 1...1) { [unowned runtime] _, call throws(LuaError) in
            runtime.staticDirectory.isListed = try call.boolean(1, "enabled")
            return .none
        }
        server.method("is_directory_listing_enabled", 0...0) { [unowned runtime] _, call in
            call.returning(runtime.staticDirectory.isListed)
        }
    }
}
