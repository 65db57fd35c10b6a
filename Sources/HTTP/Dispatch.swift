import HTTPTypes
import NIOCore

/// Where a request goes that was understood: to the responder, to a file, or nowhere. On the connection's loop.
struct Dispatch {
    let loop: ServerLoop
    var request: Request
    let exchange: Exchange

    /// A route beats a file. Where the responder looks at every request, it gets this one first, route or not.
    mutating func begin() {
        let match = loop.router.match(method: request.method, target: request.target)
        if let answer = loop.preflight(request, match) {
            return exchange.handler.value.respond(answer, to: exchange.id)
        }
        if case .route(let number, let parameters) = match {
            request.pathParameters = parameters
            ask(request, .route(number))
        } else if loop.router.intercepts(request.target) {
            ask(request, .interceptors)
        } else {
            goOn(match, adding: [:])
        }
    }

    private func ask(_ request: Request, _ destination: Destination) {
        exchange.handler.value.isResponders(exchange.id)
        loop.responder.respond(to: request, as: destination, exchange: exchange)
    }

    /// No route is for the request, and nobody before has answered it.
    /// - Parameter headers: what the answer gets besides its own.
    func goOn(adding headers: HTTPFields) {
        goOn(loop.router.match(method: request.method, target: request.target), adding: headers)
    }

    private func goOn(_ match: Router.Match, adding headers: HTTPFields) {
        var routes: [String] = []
        if case .methodNotAllowed(let allowed) = match { routes = allowed }
        guard let files = loop.staticFiles else { return finish(nil, routes, headers) }
        let method = isRead ? request.method : .head
        let (target, asked) = (request.target, request.headers)
        let find = { @Sendable in files.response(for: target, method: method, headers: asked) }
        Disk.run(on: loop.eventLoop, find) { [routes] found in finish(found, routes, headers) }
    }

    private var isRead: Bool { request.method == .get || request.method == .head }

    private func finish(_ found: Response?, _ routes: [String], _ headers: HTTPFields) {
        var response: Response
        if let found, isRead || found.status.kind == .serverError {
            response = found
        } else if found != nil {
            response = AllowedMethods.response(to: request.method, atFileAndRoutes: routes)
        } else if !routes.isEmpty {
            response = AllowedMethods.response(to: request.method, routes)
        } else if loop.router.hasNotFoundHandler {
            return ask(request, .notFound(adding: headers))
        } else {
            response = .error(.notFound, "nothing is at \(request.target.path)")
        }
        response.headers.append(contentsOf: headers)
        exchange.handler.value.respond(response, to: exchange.id)
    }
}
