import NIOCore
import Scripting
import TestKit
import Testing

/// When `_process` is called, to the hundredth of a second.
@Suite(.timeLimit(.minutes(5))) struct TickTests {
    /// Loads a script that has a function `at()`, the seconds since it began, and runs its `_ready`.
    private func start(_ code: String) async throws -> Scripts {
        let scripts = try await Scripts.load(
            """
            local begun = Time.monotonic()
            local function at() return string.format("%.2f", Time.monotonic() - begun) end
            \(code)
            """)
        try await scripts.host.start().get()
        return scripts
    }

    @Test func `there are 20 ticks a second unless a script says otherwise`() async throws {
        let scripts = try await start(
            "print(Engine.ticks_per_second == 20) return { _process = function() print(at()) end }")
        try await scripts.advance(.milliseconds(10), times: 20)
        #expect(scripts.printed == ["true", "0.05", "0.10", "0.15", "0.20"])
    }

    @Test func `no ticks at 0, until a script sets another number`() async throws {
        let scripts = try await start(
            """
            Engine.ticks_per_second = 0
            spawn(function() sleep(2) Engine.ticks_per_second = 2 end)
            return { _process = function() print(at()) end }
            """)
        try await scripts.advance(.milliseconds(100), times: 30)
        #expect(scripts.printed == ["2.50", "3.00"])
    }

    @Test func `a _process that waits is called again by the first tick after it has returned`() async throws {
        let scripts = try await start(
            "return { _process = function() print('in', at()) sleep(0.12) print('out', at()) end }")
        try await scripts.advance(.milliseconds(10), times: 45)
        #expect(scripts.printed == ["in\t0.05", "out\t0.17", "in\t0.20", "out\t0.32", "in\t0.35"])
    }

    @Test func `a _process that raises while it waits is called again`() async throws {
        let scripts = try await start("return { _process = function() print(at()) sleep(0.06) error('boom') end }")
        try await scripts.advance(.milliseconds(10), times: 20)
        #expect(scripts.printed == ["0.05", "0.15"])
        #expect(scripts.errors.count == 1)
        #expect(scripts.errors.allSatisfy { $0.hasPrefix("main.lua:3: boom") && $0.contains("_process") })
    }

    @Test func `after a long standstill there is one tick, and the next a period later`() async throws {
        let scripts = try await start("return { _process = function() print(at()) end }")
        try await scripts.advance(.seconds(60))
        #expect(scripts.printed == ["60.00"])
        try await scripts.advance(.milliseconds(10), times: 10)
        #expect(scripts.printed == ["60.00", "60.05", "60.10"])
    }
}
