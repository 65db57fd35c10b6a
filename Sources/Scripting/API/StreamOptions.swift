import EventStream
import HTTP
import HTTPTypes
import Lua
import NIOCore

/// The options of `start_sse{…}`, read and checked.
struct StreamOptions {
    var allowedOrigins: [String]?
    var retry: Int?
    var ping = TimeAmount.seconds(15)
    var inactivity = TimeAmount.zero
    var lifetime = TimeAmount.zero
    var maxBufferedBytes: Int
    var onSlow = SlowPolicy.disconnect
    var headers: [(name: String, value: String)] = []

    var channels: [ChannelObject] = []
    var joining = Runtime.Joining()

    var heartbeat = Heartbeat.comment
    var welcome = false
    var autoID = false

    static let names = [
        "allowed_origins", "auto_id", "channels", "headers", "inactivity_duration", "max_buffered_bytes",
        "max_lifetime", "on_slow", "ping_duration", "ping_event", "replay", "retry", "welcome",
    ]

    /// Reads argument 1; none is all defaults.
    /// - Throws: for an unknown option or a value of the wrong kind.
    init(_ call: LuaCall, _ runtime: Runtime) throws(LuaError) {
        maxBufferedBytes = runtime.limits.maxBufferedBytes
        guard !call.isMissing(1) else { return }
        try call.requireTable(1, "options")
        let stack = call.stack
        var options = self
        try stack.forEachPair(of: call.index(1)) { () throws(LuaError) in
            guard stack.type(at: -2) == .string, let name = stack.string(at: -2), Self.names.contains(name) else {
                throw OptionError.unknown(stack.description(at: -2), known: Self.names)
            }
            switch name {
            case "channels":
                options.channels = try ChannelArgument(runtime: runtime, call: call).channelsOnTop()
            case "replay": options.joining.past = try ChannelArgument.past(stack)
            default: try options.read(name, stack)
            }
        }
        self = options
    }

    private mutating func read(_ name: String, _ stack: LuaStack) throws(LuaError) {
        func wrong(_ expected: String) -> LuaError { OptionError.wrong(name, expected, stack) }
        switch name {
        case "retry":
            guard let value = stack.integer(at: -1), value >= 0 else {
                throw wrong("an integer of milliseconds, 0 or more")
            }
            retry = value
        case "max_buffered_bytes":
            guard let value = stack.integer(at: -1), value > 0 else { throw wrong("an integer of bytes above 0") }
            maxBufferedBytes = value
        case "on_slow":
            guard let policy = stack.string(at: -1).flatMap(SlowPolicy.init) else {
                throw wrong("'disconnect', 'drop_oldest', 'drop_newest' or 'conflate'")
            }
            onSlow = policy
        case "ping_duration", "inactivity_duration", "max_lifetime":
            guard let value = stack.number(at: -1), value >= 0, value <= 1e9 else {
                throw wrong("a number of seconds, 0 or more")
            }
            let amount = TimeAmount.nanoseconds(Int64(value * 1e9))
            switch name {
            case "ping_duration": ping = amount
            case "max_lifetime": lifetime = amount
            default: inactivity = amount
            }
        case "ping_event":
            guard stack.type(at: -1) == .string, let name = stack.string(at: -1), !name.isEmpty,
                let heartbeat = try? Heartbeat(event: name)
            else { throw wrong("an event's name without CR, LF or NUL") }
            self.heartbeat = heartbeat
        case "welcome", "auto_id":
            guard stack.type(at: -1) == .boolean else { throw wrong("a boolean") }
            if name == "welcome" { welcome = stack.boolean(at: -1) } else { autoID = stack.boolean(at: -1) }
        case "allowed_origins":
            guard stack.type(at: -1) == .table else { throw wrong("a list of strings") }
            guard let origins = Self.strings(stack) else { throw wrong("a list of strings") }
            do throws(OriginArgument.Invalid) {
                allowedOrigins = try OriginArgument.list(origins)
            } catch {
                throw .message("option 'allowed_origins' \(error.reason)")
            }
        default:
            guard stack.type(at: -1) == .table else { throw wrong("a table of names and values") }
            var headers: [(name: String, value: String)] = []
            try stack.forEachPair(of: -1) { () throws(LuaError) in
                guard stack.type(at: -2) == .string, let name = stack.string(at: -2), let value = stack.string(at: -1)
                else {
                    throw .message("option 'headers' must be a table of names and values, both strings")
                }
                headers.append((try HeaderArgument.name(name).rawName, try HeaderArgument.value(value)))
            }
            self.headers = headers
        }
    }

    /// The list on top; nil when it is none, or holds anything but strings.
    static func strings(_ stack: LuaStack) -> [String]? {
        var strings: [String] = []
        var pairs = 0
        stack.forEachPair(of: -1) { pairs += 1 }
        guard pairs == stack.length(of: -1) else { return nil }
        for index in 0..<stack.length(of: -1) {
            stack.pushElement(index + 1, of: -1)
            defer { stack.pop() }
            guard stack.type(at: -1) == .string, let text = stack.string(at: -1) else { return nil }
            strings.append(text)
        }
        return strings
    }

    /// The limits of the stream. The lifetime is spread by ±10 %, so that streams opened together do not end together.
    var limits: StreamLimits {
        StreamLimits(
            pingInterval: ping > .zero ? ping : nil,
            inactivity: inactivity > .zero ? inactivity : nil,
            lifetime: lifetime > .zero
                ? .nanoseconds(Int64(Double(lifetime.nanoseconds) * .random(in: 0.9...1.1))) : nil,
            maxBufferedBytes: maxBufferedBytes, onSlow: onSlow, heartbeat: heartbeat)
    }
}
