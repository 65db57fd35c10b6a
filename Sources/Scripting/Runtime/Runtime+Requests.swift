import Delivery
import EventStream
import HTTP
import HTTPTypes
import Lua
import NIOCore

/// Requests: their handlers, the middleware around them, and what becomes of their responses.
extension Runtime {
    func handle(_ request: consuming Request, as destination: Destination, exchange: Exchange) {
        lastClientID += 1
        // What a request takes outside Lua. Without it the collector would wait for thousands of them, and each new one
        // would touch memory that no cache holds: measured, half a microsecond of each.
        state.noteMemory(kilobytes: 3)
        let request = RequestObject(request, clientID: lastClientID)
        let response = ResponseObject(request, exchange: exchange, responses: responses)
        switch destination {
        case .route(let number):
            guard let callback = routes.callback(number) else { return exchange.goOn(request.request, adding: [:]) }
            let passed = middleware.callbacks(for: request.request.target)
            if passed.isEmpty { run(callback, response) } else { run(passed + [callback], response) }
        case .interceptors:
            run(middleware.callbacks(for: request.request.target) + [prelude.goOn], response)
        case .notFound(let headers):
            guard let callback = middleware.notFoundHandler else {
                return exchange.respond(.error(.notFound, "nothing is at \(request.request.target.path)"))
            }
            response.status = .notFound
            response.headers = headers
            run(callback, response, message: "nothing is at \(request.request.target.path)")
        }
    }

    /// Runs a handler; those for errors get a message besides.
    private func run(_ callback: LuaReference, _ response: ResponseObject, message: String? = nil) {
        let task = scheduler.makeTask(.handler(response))
        response.task = task
        let stack = task.coroutine.stack
        stack.push(callback)
        classes.request.push(response.requestObject, on: stack)
        classes.response.push(response, on: stack)
        if let message { stack.push(message) }
        scheduler.run(task, arguments: message == nil ? 2 : 3)
    }

    /// Runs a handler behind middleware.
    private func run(_ callbacks: [LuaReference], _ response: ResponseObject) {
        let task = scheduler.makeTask(.handler(response))
        response.task = task
        let stack = task.coroutine.stack
        guard (try? stack.reserve(callbacks.count + 8)) != nil else {
            return response.replace(with: Self.plainFailure)
        }
        stack.push(prelude.runMiddleware)
        classes.request.push(response.requestObject, on: stack)
        classes.response.push(response, on: stack)
        for callback in callbacks { stack.push(callback) }
        scheduler.run(task, arguments: 2 + callbacks.count)
    }

    /// A handler waits for the first time, or again.
    func handlerWaits(_ response: ResponseObject, _ task: ScriptTask) {
        switch response.phase {
        case .stream(let connection): open(connection, response)
        case .withoutStream: if !task.isDetached { scheduler.cancel(task) }
        case .open: handlers[response.exchange.id] = task
        case .sent: break
        }
    }

    func handlerEnded(_ response: ResponseObject, _ ending: ScriptTask.Ending) {
        response.task = nil
        if !handlers.isEmpty { handlers[response.exchange.id] = nil }
        if let connection = response.connection {
            connection.opening?.task = nil
            if case .failed = ending { _ = connection.close(.error) }
            open(connection, response)
            connection.opening = nil
            response.requestObject.release()
            return
        }
        if case .failed(let report) = ending { return handlerFailed(response, report) }
        if response.isHeld { return }
        if case .open = response.phase, response.goesOn, !response.hasBody, response.file == nil,
            response.status == .ok
        {
            response.phase = .sent
            response.exchange.goOn(response.request, adding: response.headers)
            return end(response, leaves: nil)
        }
        settle(response) { response.send() }
    }

    /// Answers, by `body`, with what is final.
    private func settle(_ response: ResponseObject, _ body: () -> Void) {
        body()
        if response.isAbandoned {
            _ = responses.finished(response.exchange.id)
            end(response, leaves: CloseReason.client.rawValue)
        }
        if response.task == nil { response.requestObject.release() }
    }

    private func handlerFailed(_ response: ResponseObject, _ report: ErrorReport) {
        responses.release(response)
        response.isHeld = false
        guard case .open = response.phase else { return response.requestObject.release() }
        if let handler = middleware.errorHandler, !response.hasFailed {
            response.fail()
            // In a turn of its own: the entrance that is at fault may have no time left.
            return scheduler.nextTurn { [unowned self] in run(handler, response, message: report.message) }
        }
        let page = configuration.isDevelopment ? DevelopmentPage.response(report) : Self.plainFailure
        settle(response) { response.replace(with: page) }
    }

    private static let plainFailure = Response.error(
        .internalServerError, "the script failed; the server's log says why")

    /// What `HTTPServer.complete_response` does.
    func complete(_ clientID: Int, _ response: ResponseObject?) -> ErrorConstants {
        guard let held = responses.held(clientID) else {
            // The client is known, but its response is not held.
            if let response, response.requestObject.clientID == clientID, case .open = response.phase {
                return .invalidParameter
            }
            return .doesNotExist
        }
        guard let response, response === held else { return .invalidParameter }
        send(response)
        return .ok
    }

    /// Sends a response that no handler's return sends, or before that does.
    func send(_ response: ResponseObject) {
        responses.release(response)
        response.isHeld = false
        if !handlers.isEmpty { handlers[response.exchange.id] = nil }  // what its client does is nothing to it any more
        settle(response) { response.send() }
    }

    // MARK: what becomes of a response

    func clientGone(_ exchange: Exchange.ID) {
        if let task = handlers.removeValue(forKey: exchange) {
            if case .handler(let response) = task.origin { response.isAbandoned = true }
            if !task.isDetached { scheduler.cancel(task) }
        }
        guard let response = responses.gone(exchange) else { return }
        response.isHeld = false
        response.phase = .sent
        end(response, leaves: CloseReason.client.rawValue)
    }

    func answered(_ exchange: Exchange.ID) {
        if let response = responses.finished(exchange) { end(response, leaves: nil) }
    }

    /// Tells a response's end: the client has it all, or has left, or the stream is over.
    func end(_ response: ResponseObject, leaves reason: String?) {
        response.requestObject.release()
        guard response.pin != nil else { return }
        if let reason {
            emit("disconnected", of: response, classes.response) { stack in
                stack.push(reason)
                return 1
            }
        } else {
            emit("finished", of: response, classes.response) { _ in 0 }
        }
        response.pin = nil
    }
}

extension CloseReason {
    /// Whether the stream ended for the client's sake, not because the server was done with it.
    var isClients: Bool { self == .client || self == .slow || self == .error }
}
