import HTTP
import Lua

/// What scripts run around requests: middleware in the order of registration, and the handlers for errors and for paths
/// where nothing is.
final class Middleware {
    private var entries: [(prefix: RoutePrefix, callback: LuaReference)] = []
    var errorHandler: LuaReference?
    var notFoundHandler: LuaReference?

    func use(_ prefix: RoutePrefix, _ callback: LuaReference) { entries.append((prefix, callback)) }

    var prefixes: [RoutePrefix] { entries.map(\.prefix) }

    /// Those that a request passes.
    func callbacks(for target: RequestTarget) -> [LuaReference] {
        entries.isEmpty ? [] : entries.filter { $0.prefix.covers(target) }.map(\.callback)
    }
}
