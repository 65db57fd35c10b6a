import Foundation
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A real Redis of the test's own on a loopback port, gone when nobody holds it any more.
public final class TestRedis: Sendable {
    /// What a test cannot do without.
    public struct Missing: Error, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var process: ChildProcess?
    }

    public let port: Int
    private let options: [String]
    private let isSecure: Bool
    private let directory: TemporaryDirectory
    private let state = Mutex(State())

    /// With TLS it takes nothing else; its certificate is `TestCertificate.certificate`.
    /// - Parameter options: as on the command line of `redis-server`.
    public static func start(_ options: String..., isSecure: Bool = false) async throws -> TestRedis {
        // Another process may have taken the port by the time Redis wants it.
        for _ in 0..<5 {
            let redis = try TestRedis(options, isSecure: isSecure, port: try freePort())
            if try await redis.launch() { return redis }
        }
        throw Missing(description: "no free port for redis-server")
    }

    private init(_ options: [String], isSecure: Bool, port: Int) throws {
        self.port = port
        self.options = options
        self.isSecure = isSecure
        directory = try TemporaryDirectory(
            isSecure ? ["key.pem": TestCertificate.key, "certificate.pem": TestCertificate.certificate] : [:])
    }

    deinit { state.withLock { if let process = $0.process { Self.end(process.id) } } }

    /// By address, without credentials.
    public var url: String { "\(isSecure ? "rediss" : "redis")://127.0.0.1:\(port)" }

    /// The file of the authority that vouches for it.
    public var authority: String { directory.path + "/certificate.pem" }

    // MARK: what befalls it

    /// Ends it at once, as if it had crashed.
    public func crash() async {
        guard let process = state.withLock({ $0.process.take() }) else { return }
        Self.end(process.id)
        _ = await process.end()
    }

    /// Starts it again on its port, without what it held.
    public func restart() async throws {
        await crash()
        guard try await launch() else { throw Missing(description: "redis-server did not get its port \(port) again") }
    }

    /// It stands still, and the system goes on taking bytes for it.
    public func pause() { signal(SIGSTOP) }
    public func resume() { signal(SIGCONT) }

    private func signal(_ number: CInt) {
        state.withLock { if let process = $0.process { _ = kill(process.id, number) } }
    }

    /// What Redis answers to a command by its own client, without the line end.
    @discardableResult
    public func answer(to command: String...) async throws -> String {
        let trust = isSecure ? ["--tls", "--cacert", authority] : []
        let process = try Self.process("redis-cli", ["-p", "\(port)"] + trust + command)
        let text = await process.end()
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    // MARK: the process

    /// Returns when it accepts connections; false when it has ended instead.
    private func launch() async throws -> Bool {
        var arguments = [
            "--bind", "127.0.0.1", "127.0.0.2", "--save", "", "--appendonly", "no", "--dir", directory.path,
        ]
        if isSecure {
            arguments += ["--port", "0", "--tls-port", "\(port)", "--tls-auth-clients", "no"]
            arguments += ["--tls-key-file", directory.path + "/key.pem", "--tls-cert-file", authority]
            arguments += ["--tls-ca-cert-file", authority]
        } else {
            arguments += ["--port", "\(port)"]
        }
        let process = try Self.process("redis-server", arguments + options)
        Self.endWithUs(process.id)
        state.withLock { $0.process = process }
        if await process.writes("Ready to accept connections") { return true }
        await crash()
        return false
    }

    private static let running = Mutex<Set<pid_t>>([])
    private static let registration: Void = {
        atexit { TestRedis.running.withLock { for process in $0 { kill(process, SIGKILL) } } }
    }()

    /// One that a test keeps for good would outlive the tests.
    private static func endWithUs(_ process: pid_t) {
        _ = registration
        running.withLock { _ = $0.insert(process) }
    }

    private static func end(_ process: pid_t) {
        // The number may be another process's from now on.
        guard running.withLock({ $0.remove(process) }) != nil else { return }
        kill(process, SIGKILL)
    }

    /// From where `./scripts/setup test` puts it.
    private static func process(_ name: String, _ arguments: [String]) throws -> ChildProcess {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let place = root.appendingPathComponent(".venv/redis/usr/bin/" + name)
        guard FileManager.default.isExecutableFile(atPath: place.path) else {
            throw Missing(description: "there is no \(place.path): run ./scripts/setup test")
        }
        return try ChildProcess(place.path, arguments)
    }

    private static func freePort() throws -> Int {
        let socket = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let channel = try bootstrap.bind(to: socket).wait()
        defer { try? channel.close().wait() }
        return channel.localAddress?.port ?? 0
    }
}
