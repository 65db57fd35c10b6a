import HTTP
import HTTPTypes
import Lua

/// `HTTPResponse.set_cookie`.
struct CookieAPI {
    func register(_ members: ClassBuilder.Members<ResponseObject>) {
        members.method("set_cookie", 2...3) { response, call throws(LuaError) in
            var cookie = SetCookie(name: try call.string(1, "name"), value: try call.string(2, "value"))
            try CookieOptions.read(call, into: &cookie)
            let line: String
            do throws(SetCookie.Invalid) { line = try cookie.line() } catch {
                throw .message(Self.message(error, cookie))
            }
            try ResponseAPI.checkOpen(response)
            response.headers.append(HTTPField(name: .setCookie, value: line))
            return call.returningCopy(of: 0)
        }
    }

    private static func message(_ error: SetCookie.Invalid, _ cookie: SetCookie) -> String {
        func wrong(_ what: String, _ expected: String, _ found: String?) -> String {
            "\(what) must be \(expected), got \(found?.debugDescription ?? "nil")"
        }
        switch error {
        case .name:
            return wrong("argument 1 (name)", "1 or more letters, digits or !#$%&'*+-.^_`|~", cookie.name)
        case .value:
            return wrong(
                "argument 2 (value)", #"visible ASCII without " , ; \ (encode anything else)"#, cookie.value)
        case .tooLong(let count):
            return
                "name and value must be \(SetCookie.maxBytes) bytes at most, which is what browsers take, got \(count)"
        case .path:
            return wrong(
                "option 'path'", "'/' and at most 1023 characters of visible ASCII without ';'", cookie.path)
        case .domain: return wrong("option 'domain'", "a host name without a leading dot", cookie.domain)
        case .maxAge: return "option 'max_age' must be 0 or more, got \(cookie.maxAge ?? 0)"
        case .expires:
            let expected = "a Unix time of the years 1601 to 9999, or a date as 'Sun, 06 Nov 1994 08:49:37 GMT'"
            switch cookie.expires {
            case .date(let text): return wrong("option 'expires'", expected, text)
            case .second(let second): return "option 'expires' must be \(expected), got \(second)"
            case nil: return "option 'expires' must be \(expected)"
            }
        case .crossSiteWithoutSecure:
            return "option 'same_site' = 'None' needs secure = true: browsers drop the cookie otherwise"
        case .prefixWithoutSecure:
            return "a name with the prefix '__Secure-' needs secure = true: browsers drop the cookie otherwise"
        case .prefixOfHost:
            return
                "a name with the prefix '__Host-' needs secure = true, no domain and the path '/': browsers drop the "
                + "cookie otherwise"
        }
    }
}
