import Delivery
import NIOCore
import Scripting
import TestKit

/// Runs a server with these files while `body` runs, and cuts it off afterwards.
func withServer(
    _ files: [String: String],
    clock: any MonotonicClock = SystemClock(),
    threads: Int = 1,
    isDevelopment: Bool = false,
    limits: ScriptLimits = TestServer.patient,
    _ body: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer.start(
        files, clock: clock, threads: threads, isDevelopment: isDevelopment, limits: limits)
    do {
        try await body(server)
    } catch {
        try? await server.stop(within: .zero)
        throw error
    }
    try await server.stop(within: .zero)
}

/// Runs a server with one script, "main.lua".
func withServer(
    _ script: String,
    clock: any MonotonicClock = SystemClock(),
    threads: Int = 1,
    _ body: (TestServer) async throws -> Void
) async throws {
    try await withServer(["main.lua": script], clock: clock, threads: threads, body)
}

extension TestServer {
    /// A client whose event stream at `path` is open.
    func open(_ path: String = "/events", headers: [String] = []) async throws -> TestClient {
        let client = try await connect()
        try await client.request("GET", path, headers: headers)
        try await client.wait(for: "\r\n\r\n:\n")
        return client
    }

    /// The whole response to a GET on a connection of its own.
    func response(to path: String, headers: [String] = []) async throws -> String {
        try await response(to: "GET", path, headers: headers)
    }

    /// The body of the response to a GET.
    func body(_ path: String, headers: [String] = []) async throws -> String {
        try await body("GET", path, headers: headers)
    }

    /// The status code of the response to one request.
    func status(_ method: String = "GET", of path: String, headers: [String] = []) async throws -> String {
        String(try await response(to: method, path, headers: headers).dropFirst("HTTP/1.1 ".count).prefix(3))
    }

    /// What scripts have printed so far, a string per `print`.
    var printed: [String] { log.lines.filter { $0.hasPrefix("info ") }.map { String($0.dropFirst(5)) } }

    /// Returns when the script loop has run what it was asked before.
    func settle() async throws {
        for _ in 0..<8 { _ = try await node.host.port().get() }
    }
}

extension TestClient {
    /// What followed the stream's head and its first comment, without heartbeats: on a busy machine a test may take as
    /// long as they do.
    var events: String {
        let lines = stream.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.filter { $0 != ":" }.joined(separator: "\n")
    }

    /// The same with every byte.
    var stream: String {
        text.firstRange(of: "\r\n\r\n:\n").map { String(text[$0.upperBound...]) } ?? "no stream: \(text)"
    }
}
