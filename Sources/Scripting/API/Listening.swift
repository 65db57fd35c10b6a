import HTTP
import Logging
import Lua

/// What `HTTPServer.listen` does.
struct Listening {
    let runtime: Runtime
    let call: LuaCall

    /// - Throws: for arguments of the wrong kind. What else goes wrong is logged and returned as Godot's number.
    func listen() throws(LuaError) -> ErrorConstants {
        let port = try call.integer(1, "port")
        let address = try call.string(2, "bind_address", default: "*")
        let usesTLS = try call.boolean(3, "use_tls", default: false)
        let key = try call.string(4, "tls_key", default: "")
        let certificate = try call.string(5, "tls_cert", default: "")
        guard (0...65535).contains(port) else {
            throw .message("argument 1 (port) must be 0 to 65535, got \(port)")
        }
        guard !runtime.listener.isListening else { return .alreadyInUse }
        var identity: TLSIdentity?
        if usesTLS {
            guard !key.isEmpty, !certificate.isEmpty else {
                return refuse(.invalidParameter, "TLS needs a key (argument 4) and a certificate (argument 5)")
            }
            do throws(TLSIdentity.Failure) {
                identity = try TLSIdentity(
                    key: runtime.directory.resolve(key), certificate: runtime.directory.resolve(certificate))
            } catch {
                return refuse(Self.code(error), error.description)
            }
        }
        do throws(ListeningSocket.Failure) {
            try runtime.listener.listen(port: port, address: address, identity: identity)
            return .ok
        } catch {
            return refuse(Self.code(error), error.description)
        }
    }

    private func refuse(_ code: ErrorConstants, _ reason: String) -> ErrorConstants {
        runtime.log.error("HTTPServer.listen: \(reason)")
        runtime.listener.refusal = ListenFailure(message: "HTTPServer.listen: \(reason)")
        return code
    }

    private static func code(_ failure: TLSIdentity.Failure) -> ErrorConstants {
        switch failure.kind {
        case .missing: .fileNotFound
        case .forbidden: .fileNoPermission
        case .invalid: .invalidData
        }
    }

    private static func code(_ failure: ListeningSocket.Failure) -> ErrorConstants {
        if failure.isInUse { return .alreadyInUse }
        if failure.isForbidden { return .fileNoPermission }
        return failure.isBadAddress ? .invalidParameter : .cantCreate
    }
}
