import Delivery
import Logging
import NIOCore
import NIOPosix
import Redis
import TestKit

/// A connection on a loop of its own, and what it told.
final class TestConnection: Sendable {
    /// What it told, a line each: `connected 1`, `lost 1: reason`, `subscribed a`, `message a text`, numbered by kind.
    let events: TestLog
    let log: TestLog
    let clock: ManualClock?
    private let loop: any EventLoop
    private let isOnSharedLoop: Bool
    private let connection: NIOLoopBound<RedisConnection>

    /// Open already.
    /// - Parameter clock: nil for the machine's.
    static func open(
        _ url: String, clock: ManualClock? = nil, configure: (inout RedisConnection.Configuration) -> Void = { _ in }
    ) async throws -> TestConnection {
        let connection = try await make(url, clock: clock, configure: configure)
        try await connection.on { $0.open() }
        return connection
    }

    /// Open, and connected.
    static func connected(
        _ url: String, clock: ManualClock? = nil, configure: (inout RedisConnection.Configuration) -> Void = { _ in }
    ) async throws -> TestConnection {
        let connection = try await open(url, clock: clock, configure: configure)
        await connection.told("connected 1")
        return connection
    }

    /// - Parameter group: of its own, for a test that holds the loop up.
    static func make(
        _ url: String, clock: ManualClock? = nil, group: MultiThreadedEventLoopGroup = .singleton,
        configure: (inout RedisConnection.Configuration) -> Void = { _ in }
    ) async throws -> TestConnection {
        var configuration = RedisConnection.Configuration(url: try RedisURL(url), name: "mooncast")
        configure(&configuration)
        let loop = group.next()
        let (events, log) = (TestLog(), TestLog())
        let bound = try await loop.submit { [configuration] in
            let timers = LoopTimers(loop: loop, clock: clock ?? SystemClock())
            let connection = RedisConnection(configuration, loop: loop, timers: timers, log: log.logger)
            Self.record(connection, events)
            return NIOLoopBound(connection, eventLoop: loop)
        }.get()
        return TestConnection(
            bound, loop, events, log, clock, isOnSharedLoop: group === MultiThreadedEventLoopGroup.singleton)
    }

    private static func record(_ connection: RedisConnection, _ events: TestLog) {
        let logger = events.logger
        var (connects, losses) = (0, 0)
        connection.onConnected = {
            connects += 1
            logger.info("connected \(connects)")
        }
        connection.onDisconnected = { error in
            losses += 1
            logger.info("lost \(losses): \(error)")
        }
        connection.onSubscribed = { logger.info("subscribed \(String(buffer: $0))") }
        connection.onMessage = { logger.info("message \(String(buffer: $0)) \(String(buffer: $1))") }
        connection.onSubscriptionRefused = { logger.info("refused \($0.count): \($1.message)") }
    }

    private init(
        _ connection: NIOLoopBound<RedisConnection>, _ loop: any EventLoop, _ events: TestLog, _ log: TestLog,
        _ clock: ManualClock?, isOnSharedLoop: Bool
    ) {
        self.isOnSharedLoop = isOnSharedLoop
        self.connection = connection
        self.loop = loop
        self.events = events
        self.log = log
        self.clock = clock
    }

    deinit {
        guard isOnSharedLoop else { return }
        loop.execute { [connection] in connection.value.close() }
    }

    /// Everything it told so far.
    var told: [String] { events.lines.map { String($0.dropFirst("info ".count)) } }

    /// Waits for a line that holds this.
    @discardableResult
    func told(_ text: String) async -> String { String(await events.wait(for: text).dropFirst("info ".count)) }

    func on<Value: Sendable>(_ body: @escaping @Sendable (RedisConnection) -> Value) async throws -> Value {
        try await loop.submit { body(self.connection.value) }.get()
    }

    /// Returns when the loop has done what it was asked before.
    func settle() async throws {
        for _ in 0..<4 { try await loop.submit {}.get() }
    }

    /// Moves time on, and lets what is due run.
    func advance(_ amount: TimeAmount) async throws {
        clock!.advance(by: amount)
        try await settle()
    }

    @discardableResult
    func command(_ name: String, _ arguments: String...) async throws -> RESPValue {
        var command = RedisCommand(name)
        for argument in arguments { command.append(argument) }
        return try await reply(to: command)
    }

    func reply(to command: RedisCommand) async throws -> RESPValue {
        let promise = loop.makePromise(of: RESPValue.self)
        try await on { $0.send(command) { promise.completeWith($0.mapError { $0 }) } }
        return try await promise.futureResult.get()
    }

    /// The error that a command fails with.
    func failure(_ name: String, _ arguments: String...) async throws -> RedisError? {
        var command = RedisCommand(name)
        for argument in arguments { command.append(argument) }
        do {
            _ = try await reply(to: command)
            return nil
        } catch let error as RedisError {
            return error
        }
    }

    func subscribe(_ channels: [String]) async throws {
        try await on { $0.subscribe(channels.map { ByteBuffer(string: $0) }) }
    }
}
