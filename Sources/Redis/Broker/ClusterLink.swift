import Delivery
import Logging
import NIOCore
import PubSub

/// A publisher's two connections to Redis, one for commands and one for messages, and what the node knows of the
/// publisher's state there.
final class ClusterLink {
    let keys: ClusterKeys
    /// Names this node among those that share the publisher.
    let node: String
    let loop: any EventLoop
    let timers: LoopTimers
    let log: Logger
    private(set) var commands: RedisConnection
    private(set) var messages: RedisConnection
    /// Milliseconds that are added to the clock of Redis; tests let time pass with it.
    let clockShift: () -> Int64

    /// The epoch as this node has last heard of it; nil before it has heard anything.
    private(set) var epoch: String?
    /// The highest number that it has heard of in that epoch.
    private(set) var seen: UInt64 = 0
    /// Whether scripts can be run.
    private(set) var isCommanding = false

    /// The scripts can be run from now on.
    var onCommanding: () -> Void = {}
    var onCommandsLost: (RedisError) -> Void = { _ in }
    private var digests: [ServerScript: ByteBuffer] = [:]
    private var isTryingAgain = false
    private let makeConnection: (_ use: String) -> RedisConnection
    private static let reloadDelay = TimeAmount.seconds(5)

    init(
        url: RedisURL, prefix: [UInt8], loop: any EventLoop, timers: LoopTimers, log: Logger,
        clockShift: @escaping () -> Int64
    ) {
        self.loop = loop
        self.timers = timers
        self.log = log
        self.clockShift = clockShift
        node = String(UInt64.random(in: .min ... .max), radix: 36)
        keys = ClusterKeys(prefix: prefix, node: node)
        let (node, publisher) = (node, String(decoding: prefix, as: UTF8.self))
        makeConnection = { use in
            var configuration = RedisConnection.Configuration(url: url, name: "mooncast-\(node)-\(use)")
            configuration.requiresPrimary = true
            var log = log
            log[metadataKey: "for"] = "\(use) of publisher \(publisher)"
            return RedisConnection(configuration, loop: loop, timers: timers, log: log)
        }
        commands = makeConnection("commands")
        messages = makeConnection("messages")
    }

    /// Looks for Redis. `prepare` is told of the connections before.
    func open(_ prepare: () -> Void) {
        if commands.isClosed {
            commands = makeConnection("commands")
            messages = makeConnection("messages")
        }
        commands.onConnected = { [unowned self] in loadScripts() }
        commands.onDisconnected = { [unowned self] error in
            isCommanding = false
            onCommandsLost(error)
        }
        prepare()
        commands.open()
        messages.open()
    }

    /// Leaves it; it may be opened again.
    func close() {
        isCommanding = false
        commands.close()
        messages.close()
    }

    /// What a node says where a script may have to begin an epoch.
    func appendEpoch(to command: inout RedisCommand) {
        command.append(String(UInt64.random(in: .min ... .max), radix: 36))
        command.append(epoch ?? "")
        command.append(seen)
    }

    /// Redis is in this epoch, and this far. True when the epoch is another than before.
    func note(epoch: String, sequence: UInt64) -> Bool {
        guard epoch == self.epoch else {
            let isFirst = self.epoch == nil
            self.epoch = epoch
            seen = sequence
            return !isFirst
        }
        seen = max(seen, sequence)
        return false
    }

    // MARK: scripts

    private func loadScripts() {
        var left = ServerScript.allCases.count
        for script in ServerScript.allCases {
            var command = RedisCommand("SCRIPT", "LOAD")
            command.append(script.source)
            commands.send(command) { [weak self] result in
                guard let self else { return }
                switch result {
                case .success(.bulkString(let digest)), .success(.simpleString(let digest)):
                    digests[script] = digest
                    left -= 1
                    guard left == 0, commands.isConnected else { return }
                    isCommanding = true
                    onCommanding()
                case .failure(.connectionLost), .failure(.closed): break
                case .failure(let error): tryAgain("\(error)")
                case .success: tryAgain("Redis gave no digest")
                }
            }
        }
    }

    /// Gives the connection up, but not at once: what is wrong there may not be over yet.
    private func tryAgain(_ reason: String) {
        guard !isTryingAgain else { return }
        isTryingAgain = true
        let reason = "scripts cannot be loaded: \(reason)"
        log.error("Redis: \(reason)")
        onCommandsLost(.refused(reason))
        _ = timers.schedule(after: Self.reloadDelay) { [weak self] in
            guard let self else { return }
            isTryingAgain = false
            if !isCommanding, commands.isConnected { commands.drop(reason) }
        }
    }

    /// A command that runs a script, without the arguments that are its own.
    func command(_ script: ServerScript) -> RedisCommand {
        var command = RedisCommand("EVALSHA")
        command.append(digests[script] ?? ByteBuffer())
        command.append(1)
        command.append(keys.state)
        command.append(keys.prefix)
        command.append(clockShift())
        return command
    }

    /// Runs a script. A Redis that cannot serve now is left and looked for again: its failure is `.connectionLost`.
    func run(_ command: RedisCommand, _ reply: @escaping (Result<RESPValue, RedisError>) -> Void) {
        commands.send(command) { [weak self] result in
            guard case .failure(.server(let error)) = result, Self.isPassing(error) else { return reply(result) }
            if let self, isCommanding {
                isCommanding = false
                commands.drop(error.message)
            }
            reply(.failure(.connectionLost(error.message)))
        }
    }

    /// Errors that say nothing of the command: it may be sent again, to this Redis later or to another.
    private static func isPassing(_ error: RESPError) -> Bool {
        switch error.code {
        case "NOSCRIPT", "LOADING", "READONLY", "MASTERDOWN", "BUSY", "NOREPLICAS", "MISCONF", "TRYAGAIN", "UNBLOCKED",
            "CLUSTERDOWN":
            true
        default: false
        }
    }
}
