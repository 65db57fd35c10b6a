import EventStream
import HTTP
import HTTPTypes
import Lua
import NIOCore

/// `HTTPResponse`.
struct ResponseAPI {
    unowned let runtime: Runtime
    let headersCopy: LuaReference

    init(runtime: Runtime, headersCopy: LuaReference) {
        self.runtime = runtime
        self.headersCopy = headersCopy
    }

    func register(_ members: ClassBuilder.Members<ResponseObject>) {
        let setStatus: LuaClass<ResponseObject>.Body = { response, call throws(LuaError) in
            let code = try call.integer(1, "status")
            guard (200...599).contains(code) else {
                throw .message("argument 1 (status) must be 200 to 599, got \(code)")
            }
            try Self.checkOpen(response)
            response.status = HTTPResponse.Status(code: code)
            return call.returningCopy(of: 0)
        }
        members.property("status_code", get: { response, call in call.returning(response.status.code) }, set: setStatus)
        members.method("set_status", 1...1, setStatus)
        members.method("get_status", 0...0) { response, call in call.returning(response.status.code) }

        members.property(
            "body",
            get: { response, call in
                response.body.withUnsafeReadableBytes { call.stack.push(bytes: $0) }
                return .results(1)
            },
            set: { response, call throws(LuaError) in
                let bytes = try call.bytes(1, "body")
                try Self.checkOpen(response)
                response.setBody(ByteBuffer(bytes: bytes))
                return call.returningCopy(of: 0)
            })
        members.method("set_json", 1...1) { [unowned runtime] response, call throws(LuaError) in
            try Self.checkOpen(response)
            var writer = JSONWriter(stack: call.stack, markers: runtime.json)
            try writer.write(call.index(1))
            response.setBody(writer.buffer)
            if response.headers.isEmpty {
                response.headers = Self.jsonOnly
            } else {
                response.headers[.contentType] = "application/json"
            }
            return call.returningCopy(of: 0)
        }
        members.method("set_file", 1...1) { [unowned runtime] response, call throws(LuaError) in
            let path = try call.string(1, "path")
            guard !path.utf8.contains(0) else { throw .message("argument 1 (path) must not hold NUL") }
            try Self.checkOpen(response)
            response.setFile(runtime.directory.resolve(path))
            return call.returningCopy(of: 0)
        }
        registerHeaders(members)
        registerHolding(members)
        registerHyperExpress(members)
        CookieAPI().register(members)
        RedirectAPI().register(members)
        members.method("start_sse", 0...1) { [unowned runtime] response, call throws(LuaError) in
            let options = try StreamOptions(call, runtime)
            let connection = try StreamStart(runtime: runtime, response: response).start(options)
            runtime.classes.connection.push(connection, on: call.stack)
            return .results(1)
        }
        members.method("is_sse_response", 0...0) { response, call in
            call.returning(response.connection != nil)
        }
    }

    private func registerHeaders(_ members: ClassBuilder.Members<ResponseObject>) {
        members.property(
            "headers",
            get: { [unowned runtime, headersCopy] response, call throws(LuaError) in
                let main = runtime.state.stack
                main.push(headersCopy)
                HeaderTable.push(response.headers, metatable: nil, on: main)
                try runtime.state.call(arguments: 1, results: 1)
                main.move(1, to: call.stack)
                return .results(1)
            })
        members.method("add_header", 2...2) { response, call throws(LuaError) in
            let field = try HeaderArgument.field(call)
            try Self.checkOpen(response)
            response.headers.append(field)
            return call.returningCopy(of: 0)
        }
        members.method("set_header", 2...2) { response, call throws(LuaError) in
            let field = try HeaderArgument.field(call)
            try Self.checkOpen(response)
            response.headers[field.name] = field.value
            return call.returningCopy(of: 0)
        }
        members.method("remove_header", 1...1) { response, call throws(LuaError) in
            try Self.checkOpen(response)
            response.headers[try HeaderArgument.name(try call.string(1, "name"))] = nil
            return call.returningCopy(of: 0)
        }
        members.method("set_content_type", 1...1) { response, call throws(LuaError) in
            try Self.checkOpen(response)
            response.headers[.contentType] = try HeaderArgument.value(try call.string(1, "mime"))
            return call.returningCopy(of: 0)
        }
    }

    private func registerHolding(_ members: ClassBuilder.Members<ResponseObject>) {
        members.method("hold", 0...0) { [unowned runtime] response, call throws(LuaError) in
            try Self.checkOpen(response)
            response.isHeld = true
            runtime.responses.hold(response)
            return call.returningCopy(of: 0)
        }
        members.method("is_held", 0...0) { response, call in call.returning(response.isHeld) }
        for name in Self.signals {
            members.keptProperty(name) { [unowned runtime] response, call throws(LuaError) in
                Self.keep(response, call, runtime)
                try runtime.pushNewSignal(name, on: call.stack)
            }
        }
        members.type.onFirstOwnField { [unowned runtime] response, call in Self.keep(response, call, runtime) }
        runtime.addObjectFunctions(to: members, instance: "response")
    }

    /// The fields of most responses, made once.
    private static let jsonOnly: HTTPFields = [.contentType: "application/json"]

    /// `response.sse`, and what else the prelude adds.
    private func registerHyperExpress(_ members: ClassBuilder.Members<ResponseObject>) {
        members.keptProperty("sse") { [unowned runtime] response, call throws(LuaError) in
            try runtime.pushNewEventStream(for: response, on: call.stack)
        }
        runtime.addFunctions(runtime.prelude.responseFunctions, to: members)
    }

    static let signals = ["finished", "disconnected"]

    /// What a script hangs on a response lives until the answer has ended, whether or not the script holds the object.
    static func keep(_ response: ResponseObject, _ call: LuaCall, _ runtime: Runtime) {
        guard response.pin == nil else { return }
        switch response.phase {
        case .open: break
        case .stream(let connection):
            guard connection.isActive else { return }
            if case .open = connection.phase { runtime.responses.await(response, connection.id) }
        case .withoutStream, .sent: return
        }
        call.stack.pushCopy(of: 1)
        response.pin = runtime.state.popReference(from: call.stack)
    }

    static func checkOpen(_ response: ResponseObject) throws(LuaError) {
        switch response.phase {
        case .open: break
        case .stream: throw .message("the response is an event stream already")
        case .withoutStream: throw .message("the response is settled: start_sse was answered without a stream")
        case .sent: throw .message("the response is sent already")
        }
    }
}
