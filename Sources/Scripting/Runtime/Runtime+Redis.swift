import Delivery
import Lua
import NIOCore
import PubSub
import Redis

/// Redis, and publishers over it.
extension Runtime {
    /// A client that looks for its server. Where scripts are only looked at (`mooncast check`) it does not.
    func connectRedis(_ given: RedisURL) throws(RedisURL.Invalid) -> RedisObject {
        var url = given
        if case .file(let file) = url.trust { url.trust = .file(directory.resolve(file)) }
        try url.checkAuthorities()
        let redis = RedisObject(url: url, loop: loop, timers: scheduler.timers, log: log)
        redis.onConnected = { [unowned self, unowned redis] in emit("connected", of: redis) { _ in 0 } }
        redis.onDisconnected = { [unowned self, unowned redis] error in
            emit("disconnected", of: redis) { stack in
                stack.push(error.description)
                return 1
            }
        }
        redisClients.append(redis)
        if !configuration.isCheck { redis.open() }
        return redis
    }

    /// Emits a signal of a client, in a turn of its own.
    private func emit(_ name: String, of redis: RedisObject, push: @escaping (LuaStack) -> Int) {
        guard redis.pin != nil else { return }
        scheduler.nextTurn { [unowned self] in emit(name, of: redis, classes.redis, push: push) }
    }

    /// - Parameter prefix: of all its keys and channels there.
    func makePublisher(on redis: RedisObject, prefix: [UInt8]) -> PublisherObject {
        let broker = RedisBroker(
            url: redis.url, prefix: prefix, loop: loop, timers: scheduler.timers, log: log)
        let publisher = makePublisher(broker, redis: redis)
        broker.onConnected = { [unowned self, unowned publisher] in
            emit("connected", of: publisher) { _ in 0 }
        }
        broker.onDisconnected = { [unowned self, unowned publisher] error in
            emit("disconnected", of: publisher) { stack in
                stack.push(error.description)
                return 1
            }
        }
        return publisher
    }

    /// Starts a publisher. Where scripts are only looked at (`mooncast check`) it looks for no server.
    /// - Returns: whether it could be: its client may be closed.
    func start(_ publisher: PublisherObject) -> Bool {
        guard !publisher.isStarted else { return true }
        if let redis = publisher.redis, redis.isClosed { return false }
        publisher.isStarted = true
        if let remote = publisher.remote {
            if !configuration.isCheck { remote.start() }
        } else {
            emit("connected", of: publisher) { _ in 0 }
        }
        return true
    }

    func stop(_ publisher: PublisherObject) {
        guard publisher.isStarted else { return }
        publisher.isStarted = false
        publisher.remote?.stop()
        emit("disconnected", of: publisher) { stack in
            stack.push("stopped")
            return 1
        }
    }

    /// What is not connected, by where its server is.
    private var unconnected: [MissingRedis] {
        let publishers = publishers.compactMap { publisher, _ -> MissingRedis? in
            guard publisher.isStarted, let remote = publisher.remote, !remote.isConnected else { return nil }
            return MissingRedis(url: remote.url, failure: remote.lastFailure)
        }
        return publishers
            + redisClients.filter { !$0.isConnected }.map { MissingRedis(url: $0.url, failure: $0.lastFailure) }
    }

    private static let redisInterval = TimeAmount.milliseconds(20)

    /// Waits for every Redis that was started, where the start may not do without. Then `done` is told which is missing.
    func awaitRedis(until deadline: NIODeadline? = nil, _ done: @escaping (MissingRedis?) -> Void) {
        guard let patience = configuration.redisPatience, let missing = unconnected.first else { return done(nil) }
        let now = scheduler.timers.now
        let end = deadline ?? now + patience
        guard now < end else { return done(missing) }
        _ = scheduler.timers.schedule(after: Self.redisInterval) { [unowned self] in awaitRedis(until: end, done) }
    }

    /// Tells every Redis that this node goes. `done` is called when all know, or after a second.
    func leaveRedis(_ done: @escaping () -> Void) {
        for redis in redisClients { redis.close() }
        redisClients = []
        let remotes = publishers.compactMap { $0.0.isStarted ? $0.0.remote : nil }
        guard !remotes.isEmpty else { return done() }
        var left = remotes.count
        let goOn = { [scheduler] (timer: LoopTimers.Token?) in
            if let timer { scheduler.timers.cancel(timer) }
            done()
        }
        let timer = scheduler.timers.schedule(after: .seconds(1)) {
            guard left > 0 else { return }
            left = 0
            goOn(nil)
        }
        for remote in remotes {
            remote.stop {
                guard left > 0 else { return }
                left -= 1
                if left == 0 { goOn(timer) }
            }
        }
    }
}
