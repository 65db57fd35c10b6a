public import HTTPTypes

/// An immutable table of routes. A change makes a new one.
public struct Router: Sendable {
    /// One route; `number` is what its owner knows it by.
    public struct Route: Sendable {
        /// Upper-case; `*` answers every method.
        public let method: String
        public let pattern: RoutePattern
        public let number: Int

        public init(method: String, pattern: RoutePattern, number: Int) {
            self.method = method
            self.pattern = pattern
            self.number = number
        }
    }

    public enum Match: Sendable {
        case route(number: Int, parameters: [(name: String, value: String)])
        /// The path is known, with other methods: these.
        case methodNotAllowed([String])
        case notFound
    }

    public private(set) var routes: [Route] = []
    /// Routes without parameters by path, so that the common case is one look-up.
    private var literals: [[String]: [Int]] = [:]
    private var patterns: [Int] = []

    /// Paths below which the responder looks at every request.
    private let interceptors: [RoutePrefix]
    /// Whether the responder answers where nothing is.
    let hasNotFoundHandler: Bool

    /// - Parameter interceptors: paths below which every request goes to the responder first; `/` is all.
    public init(_ routes: [Route] = [], interceptors: [RoutePrefix] = [], hasNotFoundHandler: Bool = false) {
        self.interceptors = interceptors
        self.hasNotFoundHandler = hasNotFoundHandler
        for route in routes { add(route) }
    }

    func intercepts(_ target: RequestTarget) -> Bool { interceptors.contains { $0.covers(target) } }

    private mutating func add(_ route: Route) {
        let index = routes.count
        routes.append(route)
        if route.pattern.segments.allSatisfy({ $0.rank == 0 }) {
            literals[route.pattern.literalSegments, default: []].append(index)
        } else {
            patterns.append(index)
        }
    }

    /// Whether a route was registered for one method rather than for all.
    func isForOneMethod(_ number: Int) -> Bool { routes.contains { $0.number == number && $0.method != "*" } }

    /// The route for a request: the most specific pattern, then the one registered first. A GET route answers HEAD.
    public func match(method: HTTPRequest.Method, target: RequestTarget) -> Match {
        var allowed: [String] = []
        if let candidates = literals[target.segments] {
            if let found = best(candidates.map { ($0, []) }, method, &allowed) { return found }
        }
        var matches: [(Int, [(name: String, value: String)])] = []
        for index in patterns {
            if let parameters = routes[index].pattern.match(target.segments) { matches.append((index, parameters)) }
        }
        // A stable order: equally specific patterns stay in the order of registration.
        matches.sort { first, second in
            let (a, b) = (routes[first.0].pattern, routes[second.0].pattern)
            if a.isMoreSpecific(than: b) { return true }
            return !b.isMoreSpecific(than: a) && first.0 < second.0
        }
        if let found = best(matches, method, &allowed) { return found }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed)
    }

    private func best(
        _ candidates: [(Int, [(name: String, value: String)])],
        _ method: HTTPRequest.Method,
        _ allowed: inout [String]
    ) -> Match? {
        let wanted = method.rawValue
        var fallback: (Match, RoutePattern)?
        for (index, parameters) in candidates {
            let route = routes[index]
            // A GET route answers HEAD unless one for HEAD is as good: what follows now is less specific.
            if let (found, better) = fallback, better.isMoreSpecific(than: route.pattern) { return found }
            if route.method == wanted || route.method == "*" {
                return .route(number: route.number, parameters: parameters)
            }
            if wanted == "HEAD", route.method == "GET", fallback == nil {
                fallback = (.route(number: route.number, parameters: parameters), route.pattern)
            }
            for name in route.method == "GET" ? ["GET", "HEAD"] : [route.method] where !allowed.contains(name) {
                allowed.append(name)
            }
        }
        return fallback?.0
    }
}
