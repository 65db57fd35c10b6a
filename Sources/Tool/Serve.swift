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

            Each option is also an environment variable (MOONCAST_SHUTDOWN_TIMEOUT=5) and a key in DIR/mooncast.toml \
            (shutdown_timeout = 5). Options win over the environment, which wins over the file.
            """
    )

    @Argument(help: "The directory of the scripts.")
    var directory: String

    @Option(Settings.host) var host: String?
    @Option(Settings.port) var port: Int?
    @Option(Settings.threads) var threads: Int?
    @Option(Settings.maxConnections) var maxConnections: Int?
    @Option(Settings.maxConnectionsPerIP) var maxConnectionsPerIP: Int?
    @Option(repeating: Settings.trustedProxy, valueName: "address|network") var trustedProxy: [TrustedProxyList] = []
    @Option(Settings.tlsKey, valueName: "file") var tlsKey: String?
    @Option(Settings.tlsCertificate, valueName: "file") var tlsCertificate: String?
    @Option(Settings.shutdownTimeout) var shutdownTimeout: Double?
    @Option(Settings.logLevel) var logLevel: Logger.Level?
    @Option(Settings.logFormat) var logFormat: LogFormat?
    @Option(Settings.metrics, alone: .standard, valueName: "[host:]port") var metrics: MetricsOption?
    @Flag(Settings.logRequests) var logRequests: Bool?
    @Flag(Settings.requireRedis) var requireRedis: Bool?
    @Flag(Settings.dev) var dev: Bool?

    private static let redisPatience = TimeAmount.seconds(5)

    func validate() throws {
        try Settings.host.check(host)
        try Settings.port.check(port)
        try Settings.threads.check(threads)
        try Settings.maxConnections.check(maxConnections)
        try Settings.maxConnectionsPerIP.check(maxConnectionsPerIP)
        for list in trustedProxy { try Settings.trustedProxy.check(list) }
        try Settings.tlsKey.check(tlsKey)
        try Settings.tlsCertificate.check(tlsCertificate)
        try Settings.shutdownTimeout.check(shutdownTimeout)
        try Settings.logLevel.check(logLevel)
        try Settings.logFormat.check(logFormat)
        try Settings.metrics.check(metrics)
        try Settings.logRequests.check(logRequests)
        try Settings.requireRedis.check(requireRedis)
        try Settings.dev.check(dev)
    }

    func run() async throws {
        do {
            let directory = try ScriptDirectory(directory)
            let sources = try SettingSources(
                environment: ProcessEnvironment.read(), file: SettingsFile(in: directory))
            try await serve(directory, sources)
        } catch {
            throw StartFailure.exit(error)
        }
    }

    private func serve(_ directory: ScriptDirectory, _ sources: SettingSources) async throws {
        let format = sources.value(Settings.logFormat, logFormat) ?? .text
        let log = format.logger(level: sources.value(Settings.logLevel, logLevel) ?? .info)
        for warning in sources.warnings { log.warning("\(warning)") }
        let threads = sources.value(Settings.threads, threads) ?? System.coreCount
        var configuration = ScriptHost.Configuration(
            directory: directory, host: sources.value(Settings.host, host), port: sources.value(Settings.port, port),
            isDevelopment: sources.value(Settings.dev, dev) ?? false)
        configuration.maxConnections = sources.value(Settings.maxConnections, maxConnections)
        configuration.maxConnectionsPerAddress = sources.value(Settings.maxConnectionsPerIP, maxConnectionsPerIP)
        configuration.connectionRoom = ProcessSetup.prepare(threads: threads)
        let proxies = sources.value(Settings.trustedProxy, TrustedProxyList(trustedProxy))
        configuration.trustedProxies = TrustedProxies(proxies?.networks ?? [])
        configuration.logsRequests = sources.value(Settings.logRequests, logRequests) ?? false
        if sources.value(Settings.requireRedis, requireRedis) ?? false {
            configuration.redisPatience = Self.redisPatience
        }
        configuration.identity = try identity(sources)
        let node = try await Node.make(configuration, threads: threads, log: log)
        let observation = try await startMetrics(sources.given(Settings.metrics, metrics), node.host, log)
        let deadline = sources.value(Settings.shutdownTimeout, shutdownTimeout) ?? Settings.standardShutdownTimeout
        let service = NodeService(
            node: node, metrics: observation, deadline: .nanoseconds(Int64(deadline * 1e9)), log: log)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service)], gracefulShutdownSignals: [.sigterm, .sigint], logger: log.quiet
            ))
        try await group.run()
    }

    private func identity(_ sources: SettingSources) throws -> TLSIdentity? {
        let key = sources.given(Settings.tlsKey, tlsKey)
        let certificate = sources.given(Settings.tlsCertificate, tlsCertificate)
        guard let given = key ?? certificate else { return nil }
        guard let key, let certificate else {
            let missing = key == nil ? Settings.tlsKey : Settings.tlsCertificate
            throw StartFailure.OfSetting(place: given.place, message: "TLS needs \(missing.option) too")
        }
        do throws(TLSIdentity.Failure) {
            return try TLSIdentity(key: key.value, certificate: certificate.value)
        } catch {
            throw StartFailure.OfSetting(
                place: error.isOfKey ? key.place : certificate.place, message: error.description)
        }
    }

    private func startMetrics(_ metrics: SettingSources.Given<MetricsOption>?, _ host: ScriptHost, _ log: Logger)
        async throws -> MetricsServer?
    {
        guard let metrics, case .address(let address) = metrics.value else { return nil }
        let socket: ListeningSocket
        do {
            socket = try ListeningSocket(address: address.host, port: address.port)
        } catch {
            throw StartFailure.OfSetting(place: metrics.place, message: error.description)
        }
        let server = try await MetricsServer.start(on: socket, host: host)
        let url = "http://\(MetricsAddress(host: address.host, port: socket.port))/metrics"
        log.info("serving metrics", metadata: ["url": "\(url)"])
        return server
    }
}
