import Delivery
import HTTP
import NIOCore
import Scripting
import TestKit

/// Starts a server over files ("main.lua" is the script), lets `body` use it, and ends it.
func withServer(
    _ files: [String: String],
    clock: any MonotonicClock = SystemClock(),
    threads: Int = 1,
    limits: HTTPLimits = TestServer.unhurried,
    _ body: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer.start(files, clock: clock, threads: threads, httpLimits: limits)
    do {
        try await body(server)
    } catch {
        try? await server.stop(within: .zero)
        throw error
    }
    try await server.stop(within: .zero)
}

/// The same with one script.
func withServer(
    _ script: String,
    clock: any MonotonicClock = SystemClock(),
    threads: Int = 1,
    limits: HTTPLimits = TestServer.unhurried,
    _ body: (TestServer) async throws -> Void
) async throws {
    try await withServer(["main.lua": script], clock: clock, threads: threads, limits: limits, body)
}

extension TestServer {
    /// Lets the script loop do what it has to do by now.
    func turn() async throws {
        for _ in 0..<3 { _ = try await node.host.port().get() }
    }

    /// Waits until a script has printed this, and until what it does next is done.
    func printed(_ text: String) async throws {
        _ = await log.wait(for: text)
        try await turn()
    }

    /// Log lines that hold `text`.
    func lines(with text: String) -> [String] { log.lines.filter { $0.contains(text) } }
}

/// Starts a server for a whole suite, which lives as long as the process; its directory is gone at once.
func sharedServer(_ script: String) async throws -> TestServer {
    let directory = try TemporaryDirectory(["main.lua": script])
    defer { withExtendedLifetime(directory) {} }
    return try await TestServer.start(directory: directory.path)
}
