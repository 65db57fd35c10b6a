import Logging
import NIOCore
import Scripting
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps a running node until the process is told to stop, and then stops it gracefully.
struct NodeService: Service {
    let node: Node
    let deadline: TimeAmount
    let log: Logger

    func run() async throws {
        try await gracefulShutdown()
        log.info("stopping")
        let impatience = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                log.warning("stopped at once by a second signal")
                exit(1)
            }
        }
        try await node.stop(within: deadline)
        impatience.cancel()
        log.info("stopped")
    }
}
