import NIOCore
import NIOPosix

/// Blocking file work, and what else takes long, away from the event loops.
enum Disk {
    static func run<Value: Sendable>(
        on loop: any EventLoop,
        _ work: @escaping @Sendable () -> Value?,
        then body: @escaping @Sendable (Value?) -> Void
    ) {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop, work).whenComplete { result in
            body((try? result.get()) ?? nil)
        }
    }
}
