/// Where metrics are served: "ADDRESS:PORT", "[IPV6]:PORT", or "PORT" on loopback.
public struct MetricsAddress: Equatable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    /// 127.0.0.1:9464, the port that Prometheus' exporters of OpenTelemetry use.
    public static let standard = MetricsAddress(host: "127.0.0.1", port: 9464)

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else {
            guard let port = Self.port(text[...]) else { return nil }
            self.init(host: Self.standard.host, port: port)
            return
        }
        var host = text[..<colon]
        guard let port = Self.port(text[text.index(after: colon)...]) else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let port = Int(text),
            (0...65535).contains(port)
        else { return nil }
        return port
    }
}
