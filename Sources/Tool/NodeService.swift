import Logging
import Metrics
import NIOCore
import Scripting
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a node until the process is told to stop, and then stops it gracefully. The node starts inside the service, so
/// that a signal which comes early finds its handlers.
struct NodeService: Service {
    let node: Node
    let metrics: MetricsServer?
    let deadline: TimeAmount
    let log: Logger

    func run() async throws {
        // The service group acts on the first signal; this counts along for the second.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let impatience = Task {
            var count = 0
            for await _ in signals {
                count += 1
                guard count > 1 else { continue }
                log.warning("stopped at once by a second signal")
                _exit(1)
            }
        }
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let reloading = Task {
            for await _ in hangups { try await node.host.reloadCertificate().get() }
        }
        try await node.start()
        try await gracefulShutdown()
        log.info("stopping")
        try await node.stop(within: deadline) { try await metrics?.stop() }
        impatience.cancel()
        reloading.cancel()
        log.info("stopped")
    }
}
