import Lua
import NIOCore
import PubSub

/// `SSEPublisher`.
struct PublisherAPI {
    unowned let runtime: Runtime
    static let signals = ["connected", "disconnected"]

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ members: ClassBuilder.Members<PublisherObject>) {
        registerLife(members)
        registerChannels(members)
        members.method("configure", 2...2) { [unowned runtime] publisher, call throws(LuaError) in
            try Self.configure(publisher, call, runtime)
        }
        runtime.addObjectFunctions(to: members, instance: "publisher")
    }

    private func registerLife(_ members: ClassBuilder.Members<PublisherObject>) {
        members.method("start", 0...0) { [unowned runtime] publisher, call in
            call.returning((runtime.start(publisher) ? ErrorConstants.ok : .unconfigured).rawValue)
        }
        members.method("stop", 0...0) { [unowned runtime] publisher, _ in
            runtime.stop(publisher)
            return .none
        }
        members.method("is_started", 0...0) { publisher, call in call.returning(publisher.isStarted) }
        for name in Self.signals {
            members.keptProperty(name) { [unowned runtime] publisher, call throws(LuaError) in
                if publisher.pin == nil {
                    call.stack.pushCopy(of: 1)
                    publisher.pin = runtime.state.popReference(from: call.stack)
                }
                try runtime.pushNewSignal(name, on: call.stack)
            }
        }
    }

    private func registerChannels(_ members: ClassBuilder.Members<PublisherObject>) {
        members.method("register", 2...3) { [unowned runtime] publisher, call throws(LuaError) in
            let connection = try runtime.classes.connection.argument(1, "connection", of: call)
            let argument = ChannelArgument(runtime: runtime, call: call)
            let channel = publisher.channel(try argument.name(2))
            return call.returning(try runtime.join(connection, channel, try argument.joining(3)).rawValue)
        }
        members.method("publish", 2...3) { [unowned runtime] publisher, call throws(LuaError) in
            let name = try ChannelArgument(runtime: runtime, call: call).name(1)
            return try Publishing(runtime, call).publish(to: name, of: publisher, eventAt: 2)
        }
        members.method("publish_and_wait", 2...3) { [unowned runtime] publisher, call throws(LuaError) in
            let name = try ChannelArgument(runtime: runtime, call: call).name(1)
            return try Publishing(runtime, call).publishAndWait(to: name, of: publisher, eventAt: 2)
        }
        members.method("remove", 2...3) { [unowned runtime] publisher, call throws(LuaError) in
            try Self.remove(publisher, call, runtime)
        }
        members.method("channel", 1...1) { [unowned runtime] publisher, call throws(LuaError) in
            let name = try ChannelArgument(runtime: runtime, call: call).name(1)
            runtime.classes.channel.push(publisher.channel(name), on: call.stack)
            return .results(1)
        }
    }

    /// A stream of this node by id or uuid, or one of another node by uuid.
    private static func remove(_ publisher: PublisherObject, _ call: LuaCall, _ runtime: Runtime) throws(LuaError)
        -> HostFunction.Return
    {
        let name = try ChannelArgument(runtime: runtime, call: call).name(2)
        let closes = try closesAfterRemoval(call)
        guard call.stack.type(at: call.index(1)) == .string else {
            let id = try call.integer(1, "connection_id_or_uuid")
            let isRemoved = runtime.remove(id, from: name, of: publisher, closes: closes)
            return call.returning((isRemoved ? ErrorConstants.ok : .doesNotExist).rawValue)
        }
        let removal = Removal(uuid: try call.string(1, "connection_id_or_uuid"), channel: name, closes: closes)
        if runtime.remove(removal, from: publisher) { return call.returning(ErrorConstants.ok.rawValue) }
        if publisher.remote != nil { try call.checkCanWait() }  // before it is asked for
        return try runtime.awaiting(call) { (answer: @escaping (Result<Bool, BrokerFailure>) -> Void) in
            publisher.hub.broker.remove(removal, answer)
        } push: { result, stack in
            switch result {
            case .success(let isRemoved): stack.push((isRemoved ? ErrorConstants.ok : .doesNotExist).rawValue)
            case .failure(let failure): stack.push(failure.error.rawValue)
            }
            return 1
        }
    }

    /// Reads `{close=}`: whether a stream is closed when the channel was its last.
    private static func closesAfterRemoval(_ call: LuaCall) throws(LuaError) -> Bool {
        guard !call.isMissing(3) else { return false }
        try call.requireTable(3, "options")
        let stack = call.stack
        var closes = false
        try stack.forEachPair(of: call.index(3)) { () throws(LuaError) in
            let name = stack.description(at: -2)
            guard name == "close" else { throw OptionError.unknown(name, known: ["close"]) }
            guard stack.type(at: -1) == .boolean else { throw OptionError.wrong(name, "a boolean", stack) }
            closes = stack.boolean(at: -1)
        }
        return closes
    }

    private static func configure(_ publisher: PublisherObject, _ call: LuaCall, _ runtime: Runtime) throws(LuaError)
        -> HostFunction.Return
    {
        let pattern = Array(try call.bytes(1, "pattern"))
        guard !pattern.isEmpty else { throw .message("argument 1 (pattern) must not be empty") }
        try call.requireTable(2, "options")
        var rule = HistoryRule()
        var snapshot: LuaReference?
        let stack = call.stack
        try stack.forEachPair(of: call.index(2)) { () throws(LuaError) in
            let name = stack.description(at: -2)
            switch name {
            case "history":
                guard let count = stack.integer(at: -1), count >= 0 else {
                    throw .message("option 'history' must be an integer, 0 or more, got \(stack.description(at: -1))")
                }
                rule.count = count
            case "max_age":
                guard let seconds = stack.number(at: -1), seconds > 0, seconds <= 1e9 else {
                    throw .message(
                        "option 'max_age' must be a number of seconds above 0, got \(stack.description(at: -1))")
                }
                rule.maxAge = .nanoseconds(Int64(seconds * 1e9))
            case "snapshot":
                guard stack.type(at: -1) == .function else {
                    throw .message("option 'snapshot' must be a function, got \(stack.kind(at: -1))")
                }
                stack.pushCopy(of: -1)
                snapshot = runtime.state.popReference(from: stack)
            default: throw .message("unknown option '\(name)' (known: history, max_age, snapshot)")
            }
        }
        publisher.hub.broker.rules.set(pattern, rule)
        publisher.setSnapshot(pattern, snapshot)
        return .none
    }

    /// `SSEPublisher.memory()`, `SSEPublisher.redis(redis, sync_channel)` and `SSEPublisher.default`.
    func registerConstructors() {
        let state = runtime.state
        state.stack.pushTable(fields: 2)
        state.pushFunction("SSEPublisher.memory", arguments: 0...0) { [unowned runtime] call in
            runtime.classes.publisher.push(runtime.makePublisher(), on: call.stack)
            return .results(1)
        }
        state.stack.setField("memory", of: -2)
        state.pushFunction("SSEPublisher.redis", arguments: 2...2) { [unowned runtime] call throws(LuaError) in
            let redis = try runtime.classes.redis.argument(1, "redis", of: call)
            let prefix = Array(try call.bytes(2, "sync_channel"))
            guard (1...256).contains(prefix.count) else {
                throw .message("argument 2 (sync_channel) must be 1 to 256 bytes, got \(prefix.count)")
            }
            runtime.classes.publisher.push(runtime.makePublisher(on: redis, prefix: prefix), on: call.stack)
            return .results(1)
        }
        state.stack.setField("redis", of: -2)
        runtime.classes.publisher.push(runtime.defaultPublisher, on: state.stack)
        state.stack.setField("default", of: -2)
        state.setGlobal("SSEPublisher")
    }
}
