public import Delivery
import Foundation
public import HTTP
import Logging
public import NIOCore
public import Scripting
import Synchronization

/// A real server on a free loopback port, with scripts from strings and a log that tests can read.
public final class TestServer: Sendable {
    public let port: Int
    public let node: Node
    public let log: TestLog
    private let directory: TemporaryDirectory

    /// A debug build on a busy machine is slow, and the budget is wall time: only tests of the budget are held to one.
    public static let patient = ScriptLimits(budget: .seconds(10), loadBudget: .seconds(10))
    /// Likewise a client on a busy machine is slow: only tests of the time-outs have some.
    public static let unhurried = HTTPLimits(headerTimeout: nil, bodyTimeout: nil, idleTimeout: nil)

    /// `MOONCAST_TEST_TLS=1` runs every test of a server over TLS instead, where streams stay NIO's channels.
    public static let usesTLS = ProcessInfo.processInfo.environment["MOONCAST_TEST_TLS"] != nil

    /// As scripts see it.
    public static var scheme: String { usesTLS ? "https" : "http" }

    /// Starts a server.
    /// - Parameters:
    ///   - files: contents by path in the script directory; "main.lua" is the usual script.
    ///   - clock: the manual one makes time stand still until the test moves it.
    public static func start(
        _ files: [String: String],
        clock: any MonotonicClock = SystemClock(),
        threads: Int = 1,
        isDevelopment: Bool = false,
        limits: ScriptLimits = TestServer.patient,
        httpLimits: HTTPLimits = TestServer.unhurried,
        trustedProxies: TrustedProxies = TrustedProxies()
    ) async throws -> TestServer {
        let directory = try TemporaryDirectory(files)
        return try await start(directory, clock, threads, isDevelopment, limits, httpLimits, trustedProxies)
    }

    /// Starts a server with one script, "main.lua".
    public static func start(_ script: String, clock: any MonotonicClock = SystemClock(), threads: Int = 1) async throws
        -> TestServer
    {
        try await start(["main.lua": script], clock: clock, threads: threads)
    }

    /// Starts a server over a directory that is there already.
    public static func start(directory path: String, clock: any MonotonicClock = SystemClock(), threads: Int = 1)
        async throws -> TestServer
    {
        try await start(TemporaryDirectory(existing: path), clock, threads, false, patient, unhurried)
    }

    private static func start(
        _ directory: TemporaryDirectory,
        _ clock: any MonotonicClock,
        _ threads: Int,
        _ isDevelopment: Bool,
        _ limits: ScriptLimits,
        _ httpLimits: HTTPLimits,
        _ trustedProxies: TrustedProxies = TrustedProxies()
    ) async throws -> TestServer {
        let log = TestLog()
        var configuration = ScriptHost.Configuration(
            directory: try ScriptDirectory(directory.path), host: "127.0.0.1", port: 0)
        configuration.isDevelopment = isDevelopment
        configuration.limits = limits
        let identityFiles = try TemporaryDirectory(
            ["key.pem": TestCertificate.key, "certificate.pem": TestCertificate.certificate])
        if usesTLS {
            configuration.identity = try TLSIdentity(
                key: identityFiles.path + "/key.pem", certificate: identityFiles.path + "/certificate.pem")
        }
        configuration.trustedProxies = trustedProxies
        let node = try await Node.make(
            configuration, threads: threads, log: log.logger, clock: clock, limits: httpLimits)
        try await node.start()
        let port = try await node.host.port().get()
        return TestServer(port: port, node: node, log: log, directory: directory)
    }

    private init(port: Int, node: Node, log: TestLog, directory: TemporaryDirectory) {
        self.port = port
        self.node = node
        self.log = log
        self.directory = directory
    }

    public func connect(reads: Bool = true, receiveBuffer: Int? = nil) async throws -> TestClient {
        try await TestClient.connect(
            port: port, reads: reads, receiveBuffer: receiveBuffer, usesTLS: Self.usesTLS)
    }

    /// One request on a connection of its own, and everything that came back until the connection ended.
    public func response(to method: String = "GET", _ path: String, headers: [String] = [], body: String? = nil)
        async throws -> String
    {
        let client = try await connect()
        var head = "\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
        for header in headers { head += header + "\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        try await client.send(head + "\r\n" + (body ?? ""))
        let response = try await client.waitForEnd()
        try? await client.close()
        return response
    }

    /// The body of the response to one request.
    public func body(_ method: String = "GET", _ path: String, headers: [String] = [], body: String? = nil) async throws
        -> String
    {
        let response = try await response(to: method, path, headers: headers, body: body)
        return response.range(of: "\r\n\r\n").map { String(response[$0.upperBound...]) } ?? ""
    }

    public func stop(within deadline: TimeAmount = .seconds(10)) async throws { try await node.stop(within: deadline) }
}

/// A directory with files, removed when nobody holds it any more.
public final class TemporaryDirectory: Sendable {
    public let path: String
    private let isOurs: Bool

    public init(_ files: [String: String] = [:]) throws {
        path = NSTemporaryDirectory() + "mooncast-" + UUID().uuidString
        isOurs = true
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    init(existing path: String) {
        self.path = path
        isOurs = false
    }

    public func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    deinit { if isOurs { try? FileManager.default.removeItem(atPath: path) } }
}
