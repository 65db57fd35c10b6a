import Delivery
import Lua
import NIOCore
import PubSub
import Redis

/// Publishers over Redis.
extension Runtime {
    /// - Parameter prefix: of all its keys and channels there.
    func makePublisher(on url: RedisURL, prefix: [UInt8]) -> PublisherObject {
        let broker = RedisBroker(url: url, prefix: prefix, loop: loop, timers: scheduler.timers, log: log)
        let publisher = makePublisher(broker)
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
    func start(_ publisher: PublisherObject) {
        guard !publisher.isStarted else { return }
        publisher.isStarted = true
        guard let remote = publisher.remote else { return emit("connected", of: publisher) { _ in 0 } }
        if !configuration.isCheck { remote.start() }
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

    /// Publishers that are started and not connected, by where their Redis is.
    var unconnected: [(url: RedisURL, reason: String)] {
        publishers.compactMap { publisher, _ in
            guard publisher.isStarted, let remote = publisher.remote, !remote.isConnected else { return nil }
            return (remote.url, remote.lastFailure?.description ?? "no answer yet")
        }
    }

    private static let redisInterval = TimeAmount.milliseconds(20)

    /// Waits for every Redis that was started, where the start may not do without. Then `done` is told which is missing.
    func awaitRedis(until deadline: NIODeadline? = nil, _ done: @escaping (MissingRedis?) -> Void) {
        guard let patience = configuration.redisPatience, let missing = unconnected.first else { return done(nil) }
        let now = scheduler.timers.now
        let end = deadline ?? now + patience
        guard now < end else { return done(MissingRedis(url: missing.url, reason: missing.reason)) }
        _ = scheduler.timers.schedule(after: Self.redisInterval) { [unowned self] in awaitRedis(until: end, done) }
    }

    /// Tells every Redis that this node goes. `done` is called when all know, or after a second.
    func leaveRedis(_ done: @escaping () -> Void) {
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
