import HTTP
import Lua

/// The options of `set_cookie(name, value, {…})`.
enum CookieOptions {
    static let names = ["domain", "expires", "http_only", "max_age", "path", "same_site", "secure"]

    /// Reads argument 3; none is all defaults.
    /// - Throws: for an unknown option or a value of the wrong type. What a cookie cannot hold is found later.
    static func read(_ call: LuaCall, into cookie: inout SetCookie) throws(LuaError) {
        guard !call.isMissing(3) else { return }
        try call.requireTable(3, "options")
        let stack = call.stack
        var changed = cookie
        try stack.forEachPair(of: call.index(3)) { () throws(LuaError) in
            guard stack.type(at: -2) == .string, let name = stack.string(at: -2), names.contains(name) else {
                throw OptionError.unknown(stack.description(at: -2), known: names)
            }
            try read(name, stack, into: &changed)
        }
        cookie = changed
    }

    /// Reads the value on top of the stack.
    private static func read(_ name: String, _ stack: LuaStack, into cookie: inout SetCookie) throws(LuaError) {
        switch name {
        case "path": cookie.path = try string(name, stack)
        case "domain": cookie.domain = try string(name, stack)
        case "secure": cookie.isSecure = try boolean(name, stack)
        case "http_only": cookie.isHTTPOnly = try boolean(name, stack)
        case "max_age":
            guard let seconds = stack.integer(at: -1) else {
                throw OptionError.wrong(name, "a whole number of seconds, 0 or more", stack)
            }
            cookie.maxAge = seconds
        case "same_site":
            let text = stack.type(at: -1) == .string ? stack.string(at: -1)?.lowercased() : nil
            guard let choice = SetCookie.SameSite.allCases.first(where: { $0.rawValue.lowercased() == text }) else {
                throw OptionError.wrong(name, "'Strict', 'Lax' or 'None'", stack)
            }
            cookie.sameSite = choice
        default: cookie.expires = try expiry(name, stack)
        }
    }

    private static func string(_ name: String, _ stack: LuaStack) throws(LuaError) -> String {
        guard stack.type(at: -1) == .string, let text = stack.string(at: -1) else {
            throw OptionError.wrong(name, "a string", stack)
        }
        return text
    }

    private static func boolean(_ name: String, _ stack: LuaStack) throws(LuaError) -> Bool {
        guard stack.type(at: -1) == .boolean else { throw OptionError.wrong(name, "a boolean", stack) }
        return stack.boolean(at: -1)
    }

    /// A Unix time, as of `os.time()` or `Time.now()`, or a date.
    private static func expiry(_ name: String, _ stack: LuaStack) throws(LuaError) -> SetCookie.Expiry {
        switch stack.type(at: -1) {
        case .string: return .date(try string(name, stack))
        case .number:
            guard let number = stack.number(at: -1), let second = Int(exactly: number.rounded(.down)) else {
                fallthrough
            }
            return .second(second)
        default:
            throw OptionError.wrong(name, "a Unix time in seconds, or a date as 'Sun, 06 Nov 1994 08:49:37 GMT'", stack)
        }
    }
}
