import ArgumentParser
import HTTP
import Logging
import Metrics
import NIOCore
import Scripting
import ServiceLifecycle
import UnixSignals

/// `mooncast serve DIR`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a directory of Lua scripts.",
        discussion: """
            Every .lua file directly in DIR is a script; they load in the order of their names. Files in DIR/public are \
            served as they are. SIGTERM or Ctrl-C stops the server gracefully: streams end between events and clients \
            are told when to come back; a second one stops it at once.
            """
    )

    @Argument(help: "The directory of the scripts.")
    var directory: String

    @Option(
        help:
            "The address to listen on: an IP address, localhost, or * for all. Goes before what scripts say. (default: 127.0.0.1)"
    )
    var host: String?

    @Option(help: "The port to listen on; 0 for a free one. Goes before what scripts say. (default: 8080)")
    var port: Int?

    @Option(help: "Event loops that serve connections. (default: one per core)")
    var threads: Int?

    @Option(
        help:
            "Connections at once, streams among them; more are sent away. Goes before what scripts say. (default: as many as the system gives files)"
    )
    var maxConnections: Int?

    @Option(help: "Connections at once from one address. Goes before what scripts say. (default: no limit)")
    var maxConnectionsPerIP: Int?

    @Option(
        help: ArgumentHelp(
            "A proxy whose Forwarded or X-Forwarded-For and -Proto headers are believed; repeatable. (default: none)",
            valueName: "address|network"))
    var trustedProxy: [String] = []

    @Option(help: "Seconds that streams and answers under way get to end when the server stops.")
    var shutdownTimeout = 10.0

    @Option(help: "The least severe level that is logged: trace, debug, info, notice, warning, error, critical.")
    var logLevel: Logger.Level = .info

    @Option(help: "text for people, json for machines: one object per line.")
    var logFormat: LogFormat = .text

    @Option(
        defaultAsFlag: .standard, parsing: .next,
        help: ArgumentHelp(
            "Serve /metrics (for Prometheus), /healthz and /readyz on this address; --metrics alone is \(MetricsAddress.standard).",
            valueName: "[host:]port"))
    var metrics: MetricsOption?

    @Flag(help: "Show a script's errors in the browser.")
    var dev = false

    func validate() throws {
        if let port, !(0...65535).contains(port) { throw ValidationError("--port must be 0 to 65535, got \(port)") }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads must be 1 to 256, got \(threads)")
        }
        for (flag, value) in [("connections", maxConnections), ("connections-per-ip", maxConnectionsPerIP)] {
            if let value, value < 1 { throw ValidationError("--max-\(flag) must be at least 1, got \(value)") }
        }
        for text in trustedProxy where IPNetwork(text) == nil {
            throw ValidationError(
                "--trusted-proxy must be an IP address, or a network such as 10.0.0.0/8, got '\(text)'")
        }
        if case .invalid(let text) = metrics {
            throw ValidationError("--metrics must be PORT, HOST:PORT or [IPV6]:PORT, got '\(text)'")
        }
        if !(shutdownTimeout >= 0 && shutdownTimeout <= 86400) {
            throw ValidationError("--shutdown-timeout must be 0 to 86400 seconds, got \(shutdownTimeout)")
        }
    }

    func run() async throws {
        let log = logFormat.logger(level: logLevel)
        let threads = threads ?? System.coreCount
        do {
            var configuration = ScriptHost.Configuration(
                directory: try ScriptDirectory(directory), host: host, port: port)
            configuration.isDevelopment = dev
            configuration.trustedProxies = TrustedProxies(trustedProxy.compactMap(IPNetwork.init))
            configuration.maxConnections = maxConnections
            configuration.maxConnectionsPerAddress = maxConnectionsPerIP
            configuration.connectionRoom = ProcessSetup.prepare(threads: threads)
            let node = try await Node.make(configuration, threads: threads, log: log)
            let observation = try await startMetrics(node.host, log)
            let service = NodeService(
                node: node, metrics: observation, deadline: .nanoseconds(Int64(shutdownTimeout * 1e9)), log: log)
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: service)], gracefulShutdownSignals: [.sigterm, .sigint], logger: log.quiet
                ))
            try await group.run()
        } catch {
            throw StartFailure.exit(error)
        }
    }

    private func startMetrics(_ host: ScriptHost, _ log: Logger) async throws -> MetricsServer? {
        guard case .address(let address) = metrics else { return nil }
        let socket: ListeningSocket
        do {
            socket = try ListeningSocket(address: address.host, port: address.port)
        } catch {
            throw StartFailure.OfFlag(flag: "--metrics", message: error.description)
        }
        let server = try await MetricsServer.start(on: socket, host: host)
        let url = "http://\(MetricsAddress(host: address.host, port: socket.port))/metrics"
        log.info("serving metrics", metadata: ["url": "\(url)"])
        return server
    }
}

extension Logger.Level: ArgumentParser.ExpressibleByArgument {}
