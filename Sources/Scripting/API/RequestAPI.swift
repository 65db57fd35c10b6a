import HTTP
import HTTPTypes
import Lua
import NIOCore

/// `HTTPRequestContext`.
struct RequestAPI {
    unowned let runtime: Runtime
    let headersMetatable: LuaReference

    init(runtime: Runtime, headersMetatable: LuaReference) {
        self.runtime = runtime
        self.headersMetatable = headersMetatable
    }

    func register(_ members: ClassBuilder.Members<RequestObject>) {
        members.property("method", get: { request, call in call.returning(request.request.method.rawValue) })
        members.property(
            "http_version", get: { request, call in call.returning(request.request.isHTTP10 ? "1.0" : "1.1") })
        members.property("path", get: { request, call in call.returning(request.request.target.path) })
        members.property("raw_path", get: { request, call in call.returning(request.request.target.raw) })
        registerClient(members)
        members.property("client_id", get: { request, call in call.returning(request.clientID) })
        members.property("last_event_id", get: { request, call in call.returning(request.lastEventID) })
        members.property(
            "body",
            get: { request, call in
                request.request.body.withUnsafeReadableBytes { call.stack.push(bytes: $0) }
                return .results(1)
            })
        members.keptProperty("headers") { [headersMetatable] request, call in
            HeaderTable.push(request.request.headers, metatable: headersMetatable, on: call.stack)
        }
        members.keptProperty("path_params") { request, call in
            Self.pushTable(request.request.pathParameters, on: call.stack)
        }
        members.keptProperty("cookies") { request, call in
            Self.pushTable(Cookies.pairs(request.request.headers), on: call.stack)
        }
        registerQuery(members)
        registerLookups(members)
        FormAPI().register(members)
        runtime.addFunctions(runtime.prelude.requestFunctions, to: members)
        members.type.onFirstOwnField { [unowned runtime] request, call in
            guard !request.handlerHasEnded else { return }
            call.stack.pushCopy(of: 1)
            request.pin = runtime.state.popReference(from: call.stack)
        }
        members.method("parse_json_body", 0...0) { [unowned runtime] request, call in
            request.request.body.withUnsafeReadableBytes { JSONAPI.decode($0, call, runtime.json) }
        }
        members.method("detach", 0...0) { [unowned runtime] _, call in
            runtime.scheduler.current?.isDetached = true
            return .none
        }
    }

    /// By the connection, or by the word of a proxy.
    private func registerClient(_ members: ClassBuilder.Members<RequestObject>) {
        let proxies = runtime.configuration.trustedProxies
        members.property("client_ip", get: { request, call in call.returning(request.client(by: proxies).address) })
        members.property("client_port", get: { request, call in call.returning(request.client(by: proxies).port) })
        members.property("scheme", get: { request, call in call.returning(request.client(by: proxies).scheme) })
    }

    private func registerQuery(_ members: ClassBuilder.Members<RequestObject>) {
        members.keptProperty("query_params") { request, call in
            Self.pushTable(request.request.target.queryPairs, on: call.stack)
        }
        members.method("get_query_params", 0...1) { request, call throws(LuaError) in
            guard !call.isMissing(1) else {
                Self.pushTable(request.request.target.queryPairs, on: call.stack)
                return .results(1)
            }
            let name = try call.string(1, "name")
            call.stack.pushTable()
            for (index, pair) in request.request.target.queryPairs.filter({ $0.name == name }).enumerated() {
                call.stack.push(pair.value)
                call.stack.setElement(index + 1, of: -2)
            }
            return .results(1)
        }
    }

    /// `get_x(name, default="")` and `has_x(name)` for headers, query, path and cookies.
    private func registerLookups(_ members: ClassBuilder.Members<RequestObject>) {
        let lookups: [(String, (RequestObject, String) -> String?)] = [
            ("header", { $0.header($1) }),
            ("query_param", { request, name in request.request.target.queryPairs.first { $0.name == name }?.value }),
            ("path_param", { request, name in request.request.pathParameters.first { $0.name == name }?.value }),
            (
                "cookie",
                { request, name in
                    // By bytes, as the table finds it: a String is equal to its other normal forms.
                    Cookies.pairs(request.request.headers).first { $0.name.utf8.elementsEqual(name.utf8) }?.value
                }
            ),
        ]
        for (name, lookUp) in lookups {
            members.method("get_\(name)", 1...2) { request, call throws(LuaError) in
                if let value = lookUp(request, try call.string(1, "name")) { return call.returning(value) }
                return call.returning(try call.string(2, "default", default: ""))
            }
            members.method("has_\(name)", 1...1) { request, call throws(LuaError) in
                call.returning(lookUp(request, try call.string(1, "name")) != nil)
            }
        }
    }

    /// The first value of each name.
    private static func pushTable(_ pairs: [(name: String, value: String)], on stack: LuaStack) {
        stack.pushTable(fields: pairs.count)
        for pair in pairs.reversed() {
            stack.push(pair.value)
            stack.setField(pair.name, of: -2)
        }
    }
}
