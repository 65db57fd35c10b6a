import Delivery
import NIOCore
import NIOPosix
import Scripting
import TestKit
import Testing

/// Scripts without a port: loaded on a loop of the tests' own, under a clock that stands still, their prints kept.
final class Scripts: Sendable {
    let host: ScriptHost
    let clock: ManualClock
    let log: TestLog
    private let directory: TemporaryDirectory

    private init(host: ScriptHost, clock: ManualClock, log: TestLog, directory: TemporaryDirectory) {
        self.host = host
        self.clock = clock
        self.log = log
        self.directory = directory
    }

    /// The turns that are still to come keep the interpreter until it has ended.
    deinit { _ = host.end() }

    /// An interpreter for the files, which are not loaded yet.
    static func make(
        _ directory: TemporaryDirectory, limits: ScriptLimits = TestServer.patient,
        configure: (inout ScriptHost.Configuration) -> Void = { _ in }
    ) async throws -> Scripts {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (clock, log) = (ManualClock(), TestLog())
        var configuration = ScriptHost.Configuration(
            directory: try ScriptDirectory(directory.path), isCheck: true, limits: limits)
        configure(&configuration)
        let timers = try await loop.submit {
            NIOLoopBound(LoopTimers(loop: loop, clock: clock), eventLoop: loop)
        }.get()
        let host = try await ScriptHost.make(configuration, on: loop, timers: timers, log: log.logger).get()
        return Scripts(host: host, clock: clock, log: log, directory: directory)
    }

    /// Loads the files; "main.lua" is the usual script.
    static func load(_ files: [String: String], limits: ScriptLimits = TestServer.patient) async throws -> Scripts {
        let scripts = try await make(try TemporaryDirectory(files), limits: limits)
        try await scripts.host.load().get()
        return scripts
    }

    /// Loads one script, "main.lua".
    static func load(_ script: String, limits: ScriptLimits = TestServer.patient) async throws -> Scripts {
        try await load(["main.lua": script], limits: limits)
    }

    /// What is wrong with files that do not load.
    static func failure(_ files: [String: String], limits: ScriptLimits = TestServer.patient) async throws
        -> ErrorReport
    {
        let error = await #expect(throws: ErrorReport.self) { try await load(files, limits: limits) }
        return try #require(error)
    }

    /// What is wrong with a script that does not load.
    static func failure(_ script: String, limits: ScriptLimits = TestServer.patient) async throws -> ErrorReport {
        try await failure(["main.lua": script], limits: limits)
    }

    /// What a script prints while it loads, and in the turns right after.
    static func prints(of script: String) async throws -> [String] {
        let scripts = try await load(script)
        try await scripts.settle()
        return scripts.printed
    }

    /// What was printed so far, a string per `print`.
    var printed: [String] { log.lines.filter { $0.hasPrefix("info ") }.map { String($0.dropFirst(5)) } }

    /// What was logged as an error so far.
    var errors: [String] { log.lines.filter { $0.hasPrefix("error ") }.map { String($0.dropFirst(6)) } }

    /// Returns when what is due has run: a wake-up, the turn that it asks for, and the turns that those ask for.
    func settle() async throws {
        for _ in 0..<8 { _ = try await host.port().get() }
    }

    /// Moves time on in one step, and lets what is due run.
    func advance(_ amount: TimeAmount) async throws {
        clock.advance(by: amount)
        try await settle()
    }

    /// Moves time on in so many steps.
    func advance(_ amount: TimeAmount, times: Int) async throws {
        for _ in 0..<times { try await advance(amount) }
    }
}
