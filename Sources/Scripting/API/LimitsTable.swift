import HTTP
import Lua
import NIOCore

/// The table of `HTTPServer.set_limits` and `get_limits`, in which 0 stands for no limit.
struct LimitsTable {
    let stack: LuaStack

    private enum Place {
        case count(any WritableKeyPath<HTTPLimits, Int> & Sendable)
        case time(any WritableKeyPath<HTTPLimits, TimeAmount?> & Sendable)
    }

    private static let places: [(name: String, place: Place)] = [
        ("max_connections", .count(\.maxConnections)),
        ("max_connections_per_ip", .count(\.maxConnectionsPerAddress)),
        ("max_header_bytes", .count(\.maxHeaderBytes)),
        ("header_timeout", .time(\.headerTimeout)),
        ("body_timeout", .time(\.bodyTimeout)),
        ("idle_timeout", .time(\.idleTimeout)),
        ("tls_handshake_timeout", .time(\.tlsHandshakeTimeout)),
        ("max_buffered_bytes", .count(\.maxBufferedBytes)),
    ]

    /// `limits`, with those changed that the table at `index` names.
    /// - Throws: for an unknown name or a value of the wrong kind.
    func read(at index: Int, changing limits: HTTPLimits) throws(LuaError) -> HTTPLimits {
        var limits = limits
        try stack.forEachPair(of: index) { () throws(LuaError) in
            let name = stack.description(at: -2)
            guard stack.type(at: -2) == .string, let place = Self.places.first(where: { $0.name == name })?.place else {
                throw OptionError.unknown(name, known: Self.places.map(\.name))
            }
            switch place {
            case .count(let path):
                guard let value = stack.integer(at: -1), value >= 0 else {
                    throw OptionError.wrong(name, "an integer, 0 or more", stack)
                }
                limits[keyPath: path] = value == 0 ? .max : value
            case .time(let path):
                guard let value = stack.number(at: -1), value >= 0, value <= 1e9 else {
                    throw OptionError.wrong(name, "a number of seconds, 0 or more", stack)
                }
                limits[keyPath: path] = value == 0 ? nil : .nanoseconds(max(1, Int64(value * 1e9)))
            }
        }
        return limits
    }

    func push(_ limits: HTTPLimits) {
        stack.pushTable(fields: Self.places.count)
        for (name, place) in Self.places {
            switch place {
            case .count(let path):
                let value = limits[keyPath: path]
                stack.push(value == .max ? 0 : value)
            case .time(let path):
                let nanoseconds = limits[keyPath: path]?.nanoseconds ?? 0
                let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
                if rest == 0 { stack.push(Int(seconds)) } else { stack.push(Double(nanoseconds) / 1e9) }
            }
            stack.setField(name, of: -2)
        }
    }
}
