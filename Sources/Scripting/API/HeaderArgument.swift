import HTTP
import HTTPTypes
import Lua

/// Header names and values from scripts: what could forge another header never reaches the wire.
enum HeaderArgument {
    static func field(_ call: LuaCall) throws(LuaError) -> HTTPField {
        HTTPField(name: try name(try call.string(1, "name")), value: try value(try call.string(2, "value")))
    }

    static func name(_ text: String) throws(LuaError) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else {
            throw .message(
                "'\(text.debugDescription.dropFirst().dropLast())' is not a header name (RFC 9110, 5.1: letters, digits and !#$%&'*+-.^_`|~)"
            )
        }
        guard !framing.contains(name.canonicalName) else { throw .message("the header '\(text)' is set by the server") }
        return name
    }

    static func value(_ text: String) throws(LuaError) -> String {
        guard HTTPField.isValidValue(text) else {
            throw .message(
                "a header value must not hold CR, LF, NUL or other control characters, got \(text.debugDescription)")
        }
        return text
    }

    /// Headers that say where a message ends.
    private static let framing: Set<String> = ["content-length", "transfer-encoding", "connection", "date"]
}
