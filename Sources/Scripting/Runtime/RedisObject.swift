import Delivery
import Logging
import Lua
import NIOCore
import Redis

/// What scripts see as a Redis: a connection for commands, and one for messages as soon as something is subscribed to.
final class RedisObject {
    /// How long a command waits for a connection.
    static let patience = TimeAmount.seconds(5)

    let url: RedisURL
    private let timers: LoopTimers
    private let commands: RedisConnection
    private let messages: RedisConnection
    private var isOpen = false
    private var hasMessages = false
    private(set) var isClosed = false
    /// Why there is no connection, as it was last told.
    private(set) var lastFailure: RedisError?
    /// Keeps the Lua value, once a script has asked for one of its signals.
    var pin: LuaReference?
    var onConnected: () -> Void = {}
    var onDisconnected: (RedisError) -> Void = { _ in }

    typealias Reply = (Result<RESPValue, RedisError>) -> Void
    /// What is called with each message of a channel.
    typealias Listener = (_ message: ByteBuffer) -> Void

    private struct Waiting {
        let command: RedisCommand
        let reply: Reply
        let timer: LoopTimers.Token
    }

    private var waiting: [Int: Waiting] = [:]
    private var lastWaiting = 0
    private var listeners: [ByteBuffer: Listener] = [:]

    init(url: RedisURL, loop: any EventLoop, timers: LoopTimers, log: Logger) {
        self.url = url
        self.timers = timers
        func connection(_ use: String) -> RedisConnection {
            var log = log
            log[metadataKey: "for"] = "\(use)"
            return RedisConnection(.init(url: url, name: "mooncast-\(use)"), loop: loop, timers: timers, log: log)
        }
        commands = connection("commands")
        messages = connection("messages")
        commands.onConnected = { [unowned self] in connected() }
        commands.onDisconnected = { [unowned self] error in disconnected(error) }
        messages.onConnected = { [unowned self] in messages.subscribe(Array(listeners.keys)) }
        messages.onMessage = { [unowned self] channel, message in listeners[channel]?(message) }
    }

    var isConnected: Bool { commands.isConnected }

    /// Looks for the server from now on.
    func open() {
        isOpen = true
        commands.open()
    }

    /// Ends for good: commands that wait fail, nothing is received any more.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        commands.close()
        messages.close()
        listeners = [:]
        pin = nil
        for number in waiting.keys.sorted() { settle(number, .failure(.closed)) }
    }

    private func connected() {
        lastFailure = nil
        for number in waiting.keys.sorted() {
            guard let command = waiting.removeValue(forKey: number) else { continue }
            timers.cancel(command.timer)
            commands.send(command.command, command.reply)
        }
        onConnected()
    }

    /// Every attempt that fails is one more loss: only the first is told.
    private func disconnected(_ error: RedisError) {
        let isNews = lastFailure == nil
        lastFailure = error
        if isNews { onDisconnected(error) }
    }

    // MARK: commands

    /// Sends a command; while there is no connection it waits for one. A command whose connection breaks is not sent again:
    /// it may have had its effect.
    func send(_ command: RedisCommand, _ reply: @escaping Reply) {
        if isClosed { return reply(.failure(.closed)) }
        guard isOpen else { return reply(.failure(.connectionLost("Redis is not connected"))) }
        if commands.isConnected { return commands.send(command, reply) }
        lastWaiting += 1
        let number = lastWaiting
        let timer = timers.schedule(after: Self.patience) { [weak self] in
            guard let self else { return }
            settle(number, .failure(lastFailure ?? .connectionLost("Redis is not connected")))
        }
        waiting[number] = Waiting(command: command, reply: reply, timer: timer)
    }

    private func settle(_ number: Int, _ result: Result<RESPValue, RedisError>) {
        guard let command = waiting.removeValue(forKey: number) else { return }
        timers.cancel(command.timer)
        command.reply(result)
    }

    // MARK: messages

    /// Calls `listener` with each message of a channel, in place of the one before.
    func subscribe(_ channel: ByteBuffer, _ listener: @escaping Listener) {
        let isNew = listeners.updateValue(listener, forKey: channel) == nil
        if !hasMessages {
            hasMessages = true
            messages.open()
        } else if isNew {
            messages.subscribe([channel])
        }
    }

    /// False when nothing was subscribed to.
    func unsubscribe(_ channel: ByteBuffer) -> Bool {
        guard listeners.removeValue(forKey: channel) != nil else { return false }
        messages.unsubscribe([channel])
        return true
    }
}
