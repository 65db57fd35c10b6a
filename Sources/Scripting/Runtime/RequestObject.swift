import HTTP
import HTTPTypes
import Lua
import NIOCore

extension HTTPField.Name {
    /// WHATWG HTML, "The Last-Event-ID header".
    fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID")!
}

/// What scripts see as `HTTPRequestContext`.
final class RequestObject {
    let request: Request
    let clientID: Int
    /// Keeps the Lua value while the handler runs, once a script has hung something on it.
    var pin: LuaReference?
    var handlerHasEnded = false
    /// The body as a form, read when first asked for.
    lazy var form = Result { () throws(FormError) in try Form(request) }
    private var knownClient: TrustedProxies.Client?

    init(_ request: consuming Request, clientID: Int) {
        self.request = request
        self.clientID = clientID
    }

    /// The request is answered, or its stream is open: what scripts hung on it goes when they let go of it.
    func release() {
        handlerHasEnded = true
        pin = nil
    }

    /// Who made the request; found out when first asked for.
    func client(by proxies: TrustedProxies) -> TrustedProxies.Client {
        if let knownClient { return knownClient }
        let client = proxies.client(
            peer: request.clientAddress, isSecure: request.isSecure, headers: request.headers)
        knownClient = client
        return client
    }

    func header(_ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        return request.headers[name]
    }

    /// The header `Last-Event-ID`, else the query's `lastEventId`, else "".
    var lastEventID: String {
        request.headers[.lastEventID] ?? request.target.queryPairs.first { $0.name == "lastEventId" }?.value ?? ""
    }
}
