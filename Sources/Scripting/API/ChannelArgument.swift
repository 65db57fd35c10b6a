import Lua
import PubSub

/// Channels, and how they are joined, as scripts state them.
struct ChannelArgument {
    let runtime: Runtime
    let call: LuaCall

    /// A channel's name.
    func name(_ argument: Int) throws(LuaError) -> ChannelName {
        let bytes = try call.bytes(argument, "channel_name")
        do throws(ChannelName.Invalid) { return try ChannelName(bytes) } catch {
            throw .message("argument \(argument) (channel_name) must be 1 to 1024 bytes, got \(error.count)")
        }
    }

    /// A Channel, or the name of one of the default publisher's.
    func channel(_ argument: Int) throws(LuaError) -> ChannelObject {
        try channel(at: call.index(argument), "argument \(argument) (channel)")
    }

    private func channel(at index: Int, _ what: String) throws(LuaError) -> ChannelObject {
        if let channel = runtime.classes.channel.object(at: index, of: call.stack) { return channel }
        guard call.stack.type(at: index) == .string, let bytes = call.stack.bytes(at: index) else {
            throw .message("\(what) must be a name or a Channel, got \(call.stack.kind(at: index))")
        }
        do throws(ChannelName.Invalid) {
            return runtime.defaultPublisher.channel(try ChannelName(bytes))
        } catch {
            throw .message("\(what) must be 1 to 1024 bytes, got \(error.count)")
        }
    }

    /// The list on top of the stack.
    func channelsOnTop() throws(LuaError) -> [ChannelObject] {
        let stack = call.stack
        guard stack.type(at: -1) == .table else {
            throw .message("option 'channels' must be a list of names or Channels, got \(stack.kind(at: -1))")
        }
        let table = stack.count
        var channels: [ChannelObject] = []
        for index in 0..<stack.length(of: table) {
            stack.pushElement(index + 1, of: table)
            defer { stack.pop() }
            channels.append(try channel(at: stack.count, "option 'channels', element \(index + 1)"))
        }
        return channels
    }

    /// The value on top of the stack: `true`, `false`, "all" or a number of events.
    static func past(_ stack: LuaStack) throws(LuaError) -> Runtime.Joining.Past {
        switch stack.type(at: -1) {
        case .boolean: return stack.boolean(at: -1) ? .missed : .none
        case .string where stack.string(at: -1) == "all": return .newest(.max)
        case .number:
            if let count = stack.integer(at: -1), count >= 0 { return .newest(count) }
        default: break
        }
        throw .message(
            "option 'replay' must be true, false, 'all' or an integer of events, got \(stack.kind(at: -1)) "
                + stack.description(at: -1))
    }

    /// The options of `join` and `register`: `{replay=}`.
    func joining(_ argument: Int) throws(LuaError) -> Runtime.Joining {
        var joining = Runtime.Joining()
        guard !call.isMissing(argument) else { return joining }
        try call.requireTable(argument, "options")
        let stack = call.stack
        try stack.forEachPair(of: call.index(argument)) { () throws(LuaError) in
            let name = stack.description(at: -2)
            guard name == "replay" else { throw .message("unknown option '\(name)' (known: replay)") }
            joining.past = try Self.past(stack)
        }
        return joining
    }
}
