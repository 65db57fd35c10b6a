import Logging
import Metrics
import Scripting

/// Every setting of `serve`. A new one is a row here, an option in `Serve` and a row of the table in docs/operating.md;
/// tests hold that the three are the same.
enum Settings {
    static let host = Setting<String>(
        "host",
        help: """
            The address to listen on: an IP address, localhost, or * for all. Goes before what scripts say. \
            (default: \(ScriptHost.Configuration.defaultHost))
            """,
        expected: "an address", isAllowed: { !$0.isEmpty })

    static let port = Setting<Int>(
        "port",
        help: """
            The port to listen on; 0 for a free one. Goes before what scripts say. \
            (default: \(ScriptHost.Configuration.defaultPort))
            """,
        expected: "0 to 65535", isAllowed: (0...65535).contains)

    static let threads = Setting<Int>(
        "threads", help: "Event loops that serve connections. (default: one per core)", expected: "1 to 256",
        isAllowed: (1...256).contains)

    static let maxConnections = Setting<Int>(
        "max-connections",
        help: """
            Connections at once, streams among them; more are sent away. \
            (default: as many as the system gives files)
            """,
        expected: "at least 1", isAllowed: { $0 >= 1 })

    static let maxConnectionsPerIP = Setting<Int>(
        "max-connections-per-ip", help: "Connections at once from one address. (default: no limit)",
        expected: "at least 1", isAllowed: { $0 >= 1 })

    static let trustedProxy = Setting<TrustedProxyList>(
        "trusted-proxy",
        help: """
            A proxy whose Forwarded or X-Forwarded-For and -Proto headers are believed; several by commas, or by several \
            options. (default: none)
            """,
        expected: "an IP address, or a network such as 10.0.0.0/8", isAllowed: \.isValid)

    static let tlsKey = Setting<String>(
        "tls-key",
        help: "A PEM file with a private key: every port speaks TLS, whatever scripts say. (default: none)",
        expected: "a file", isAllowed: { !$0.isEmpty })

    static let tlsCertificate = Setting<String>(
        "tls-certificate",
        help: "A PEM file with the certificate of that key, then those that vouch for it. (default: none)",
        expected: "a file", isAllowed: { !$0.isEmpty })

    static let standardShutdownTimeout = 10.0
    static let shutdownTimeout = Setting<Double>(
        "shutdown-timeout",
        help: """
            Seconds that streams and answers under way get to end when the server stops. \
            (default: \(Int(standardShutdownTimeout)))
            """,
        expected: "0 to 86400 seconds", isAllowed: { $0 >= 0 && $0 <= 86400 })

    static let logLevel = Setting<Logger.Level>(
        "log-level",
        help: "The least severe level that is logged. (default: info)",
        expected: "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")

    static let logFormat = Setting<LogFormat>(
        "log-format", help: "text for people, json for machines: one object per line. (default: text)",
        expected: "text or json")

    static let metrics = Setting<MetricsOption>(
        "metrics",
        help: """
            Serve /metrics (for Prometheus), /healthz and /readyz on this address; --metrics alone is \
            \(MetricsAddress.standard), --metrics false is none.
            """,
        expected: MetricsOption.expected, isAllowed: \.isValid)

    static let logRequests = Setting<Bool>(
        "log-requests",
        help: "Log a line for each request and stream. (default: --no-log-requests)", expected: "true or false")

    static let requireRedis = Setting<Bool>(
        "require-redis",
        help: """
            Do not start without every Redis that the scripts use; otherwise it is looked for while the server runs. \
            (default: --no-require-redis)
            """,
        expected: "true or false")

    static let dev = Setting<Bool>(
        "dev", help: "Show a script's errors in the browser. (default: --no-dev)", expected: "true or false")

    static let all: [any AnySetting] = [
        host, port, threads, maxConnections, maxConnectionsPerIP, trustedProxy, tlsKey, tlsCertificate, shutdownTimeout,
        logLevel, logFormat, metrics, logRequests, requireRedis, dev,
    ]
}
