import HTTP
import Lua

/// The routes that scripts have registered, in order.
final class RouteTable {
    struct Entry {
        let route: Router.Route
        let callback: LuaReference
        let source: String
        let line: Int

        var registered: RegisteredRoute {
            RegisteredRoute(method: route.method, path: route.pattern.text, source: source, line: line)
        }
    }

    private(set) var entries: [Entry] = []
    private var byNumber: [Int: LuaReference] = [:]
    private var lastNumber = 0

    func add(method: String, pattern: RoutePattern, callback: LuaReference, source: String, line: Int) {
        lastNumber += 1
        let route = Router.Route(method: method, pattern: pattern, number: lastNumber)
        entries.append(Entry(route: route, callback: callback, source: source, line: line))
        byNumber[lastNumber] = callback
    }

    /// Removes the first route with this method and this very text.
    func remove(method: String, path: String) {
        guard let index = entries.firstIndex(where: { $0.route.method == method && $0.route.pattern.text == path })
        else { return }
        byNumber[entries[index].route.number] = nil
        entries.remove(at: index)
    }

    func removeAll() {
        entries = []
        byNumber = [:]
    }

    func callback(_ number: Int) -> LuaReference? { byNumber[number] }
    /// The table that the server's loops match by.
    func router(_ middleware: Middleware) -> Router {
        Router(
            entries.map(\.route), interceptors: middleware.prefixes,
            hasNotFoundHandler: middleware.notFoundHandler != nil)
    }
}
