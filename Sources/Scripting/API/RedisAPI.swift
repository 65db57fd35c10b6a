import Lua
import NIOCore
import PubSub
import Redis

/// `Redis`.
struct RedisAPI {
    unowned let runtime: Runtime
    static let signals = ["connected", "disconnected"]

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ members: ClassBuilder.Members<RedisObject>) {
        members.method("command", 1...255) { [unowned runtime] redis, call throws(LuaError) in
            let command = try Self.command(call)
            // Before it is sent.
            if !redis.isClosed { try call.checkCanWait() }
            return try runtime.awaiting(call) { (answer: @escaping RedisObject.Reply) in
                redis.send(command, answer)
            } push: { result, stack in
                switch result {
                case .success(let value):
                    push(value, on: stack)
                    return 1
                case .failure(let error):
                    stack.pushNil()
                    stack.push(error.description)
                    return 2
                }
            }
        }
        registerMessages(members)
        members.method("is_online", 0...0) { redis, call in call.returning(redis.isConnected) }
        members.method("close", 0...0) { [unowned runtime] redis, _ in
            redis.close()
            runtime.redisClients.removeAll { $0 === redis }
            return .none
        }
        for name in Self.signals {
            members.keptProperty(name) { [unowned runtime] redis, call throws(LuaError) in
                if redis.pin == nil, !redis.isClosed {
                    call.stack.pushCopy(of: 1)
                    redis.pin = runtime.state.popReference(from: call.stack)
                }
                try runtime.pushNewSignal(name, on: call.stack)
            }
        }
        runtime.addObjectFunctions(to: members, instance: "redis")
    }

    private func registerMessages(_ members: ClassBuilder.Members<RedisObject>) {
        members.method("subscribe", 2...2) { [unowned runtime] redis, call throws(LuaError) in
            let channel = ByteBuffer(bytes: try call.bytes(1, "channel"))
            let callback = try call.function(2, "callback")
            guard !redis.isClosed else { return call.returning(ErrorConstants.unconfigured.rawValue) }
            let label = "redis channel '\(String(buffer: channel))'"
            guard !runtime.configuration.isCheck else { return call.returning(ErrorConstants.ok.rawValue) }
            redis.subscribe(channel) { [unowned runtime] message in
                runtime.scheduler.nextTurn {
                    runtime.scheduler.start(.callback(label, .signal), callback) { stack in
                        Self.push(message, on: stack)
                        Self.push(channel, on: stack)
                        return 2
                    }
                }
            }
            return call.returning(ErrorConstants.ok.rawValue)
        }
        members.method("unsubscribe", 1...1) { redis, call throws(LuaError) in
            let channel = ByteBuffer(bytes: try call.bytes(1, "channel"))
            return call.returning((redis.unsubscribe(channel) ? ErrorConstants.ok : .doesNotExist).rawValue)
        }
    }

    /// `Redis.connect(url)`.
    func registerConstructor(_ builder: ClassBuilder) {
        builder.namespace(
            "Redis",
            [
                (
                    "connect", 1...1,
                    { [unowned runtime] call throws(LuaError) in
                        let text = try call.string(1, "url")
                        let redis: RedisObject
                        do throws(RedisURL.Invalid) { redis = try runtime.connectRedis(RedisURL(text)) } catch {
                            throw .message("argument 1 (url) \(error.reason)")
                        }
                        runtime.classes.redis.push(redis, on: call.stack)
                        return .results(1)
                    }
                )
            ])
    }

    // MARK: values

    /// The arguments as a command: strings and numbers.
    private static func command(_ call: LuaCall) throws(LuaError) -> RedisCommand {
        var command = RedisCommand(try call.string(1, "name"))
        guard call.count > 1 else { return command }
        for argument in 2...call.count {
            switch call.stack.type(at: call.index(argument)) {
            case .string: command.append(ByteBuffer(bytes: try call.bytes(argument, "argument")))
            case .number:
                if let whole = call.stack.integer(at: call.index(argument)) {
                    command.append(whole)
                } else {
                    command.append("\(try call.number(argument, "argument"))")
                }
            default: throw call.wrong(argument, "argument", "a string or a number")
            }
        }
        return command
    }

    private static func push(_ bytes: ByteBuffer, on stack: LuaStack) {
        bytes.withUnsafeReadableBytes { stack.push(bytes: $0) }
    }

    /// As Redis' own scripts see replies: null is `false` within a list, where nil could not stand.
    private func push(_ value: RESPValue, on stack: LuaStack, isElement: Bool = false) {
        switch value {
        case .simpleString(let bytes), .bulkString(let bytes): Self.push(bytes, on: stack)
        case .integer(let number): stack.push(Int(number))
        case .null: if isElement { stack.push(false) } else { stack.pushNil() }
        case .error(let error):
            stack.pushTable(fields: 1)
            stack.push(error.message)
            stack.setField("err", of: -2)
        case .array(let elements):
            guard (try? stack.reserve(8)) != nil else { return stack.pushNil() }
            stack.pushTable(array: elements.count)
            for (index, element) in elements.enumerated() {
                push(element, on: stack, isElement: true)
                stack.setElement(index + 1, of: -2)
            }
            if elements.isEmpty { runtime.json.markArray(-1, of: stack) }  // in JSON it is a list too
        }
    }
}
