import Lua
import PubSub

/// `Channel`.
struct ChannelAPI {
    unowned let runtime: Runtime
    static let signals = ["subscribed", "unsubscribed", "published", "occupied", "vacated", "gap"]

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ members: ClassBuilder.Members<ChannelObject>) {
        members.property(
            "name",
            get: { channel, call in
                channel.name.bytes.withUnsafeBytes { call.stack.push(bytes: $0) }
                return .results(1)
            })
        members.method("publish", 1...2) { [unowned runtime] channel, call throws(LuaError) in
            try Publishing(runtime, call).publish(to: channel.name, of: channel.publisher, eventAt: 1)
        }
        members.method("publish_and_wait", 1...2) { [unowned runtime] channel, call throws(LuaError) in
            try Publishing(runtime, call).publishAndWait(to: channel.name, of: channel.publisher, eventAt: 1)
        }
        members.method("subscribers", 0...0) { channel, call in
            let ids = channel.publisher.hub.members(of: channel.name)
            call.stack.pushTable(array: ids.count)
            for (index, id) in ids.enumerated() {
                call.stack.push(id)
                call.stack.setElement(index + 1, of: -2)
            }
            return .results(1)
        }
        members.method("count", 0...0) { [unowned runtime] channel, call throws(LuaError) in
            let hub = channel.publisher.hub
            return try runtime.awaiting(call) { (answer: @escaping (Result<Int, BrokerFailure>) -> Void) in
                hub.broker.count(of: channel.name, here: hub.count(channel.name), answer)
            } push: { result, stack in
                switch result {
                case .success(let count): stack.push(count)
                case .failure(let failure): return failure.push(on: stack)
                }
                return 1
            }
        }
        members.method("history", 0...1) { [unowned runtime] channel, call throws(LuaError) in
            let count = try call.integer(1, "n", default: .max)
            guard count >= 0 else { throw .message("argument 1 (n) must be 0 or more, got \(count)") }
            return try runtime.awaiting(call) { (answer: @escaping (Result<[Publication], BrokerFailure>) -> Void) in
                channel.publisher.hub.broker.history(of: channel.name, newest: count, answer)
            } push: { [unowned runtime] result, stack in
                switch result {
                case .success(let found): runtime.pushEvents(found, on: stack)
                case .failure(let failure): return failure.push(on: stack)
                }
                return 1
            }
        }
        for name in Self.signals {
            members.keptProperty(name) { [unowned runtime] channel, call throws(LuaError) in
                if channel.pin == nil {
                    call.stack.pushCopy(of: 1)
                    channel.pin = runtime.state.popReference(from: call.stack)
                }
                if name == "published" { channel.publisher.hub.watch(channel.name) }
                try runtime.pushNewSignal(name, on: call.stack)
            }
        }
        runtime.addObjectFunctions(to: members, instance: "channel")
    }
}
