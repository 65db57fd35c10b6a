import HTTP
import HTTPTypes
import Lua
import NIOCore

/// `HTTPResponse.redirect`.
struct RedirectAPI {
    /// The redirections that clients follow by themselves (RFC 9110, 15.4).
    private static let statuses: [HTTPResponse.Status] = [
        .movedPermanently, .found, .seeOther, .temporaryRedirect, .permanentRedirect,
    ]

    func register(_ members: ClassBuilder.Members<ResponseObject>) {
        members.method("redirect", 1...2) { response, call throws(LuaError) in
            let url = try call.bytes(1, "url")
            guard let location = Location.encode(url) else {
                let found = String(decoding: url, as: UTF8.self).debugDescription
                throw .message(
                    "argument 1 (url) must not be empty or hold CR, LF, NUL or other control characters, got \(found)")
            }
            let code = try call.integer(2, "status", default: 302)
            guard let status = Self.statuses.first(where: { $0.code == code }) else {
                throw .message("argument 2 (status) must be 301, 302, 303, 307 or 308, got \(code)")
            }
            try ResponseAPI.checkOpen(response)
            response.status = status
            response.headers[.location] = location
            response.headers[.contentType] = "text/plain; charset=utf-8"
            response.setBody(ByteBuffer(string: "\(code) \(status.reasonPhrase): \(location)\n"))
            return call.returningCopy(of: 0)
        }
    }
}
