import NIOCore
import Scripting
import TestKit
import Testing

/// Scripts that never end while they load.
@Suite(.timeLimit(.minutes(5))) struct LoadBudgetTests {
    private static let limits = ScriptLimits(budget: .milliseconds(200), loadBudget: .milliseconds(300))

    @Test(arguments: BudgetTests.loops)
    func `an endless loop at load is an error with file, line and the line's text`(loop: String) async throws {
        let report = try await Scripts.failure(["main.lua": "local line = 1\n\(loop)\n"], limits: Self.limits)
        #expect(report.message.hasPrefix("main.lua:2: the time budget of 300 ms is used up"), "\(report.message)")
        #expect(report.source?.file == "main.lua")
        #expect(report.source?.line == 2)
        #expect(report.source?.text == loop)
    }

    @Test func `an endless loop in a module names the module`() async throws {
        let report = try await Scripts.failure(
            ["main.lua": "require 'lib.slow'", "lib/slow.lua": "\n\nwhile true do end"], limits: Self.limits)
        #expect(report.message.hasPrefix("lib/slow.lua:3: the time budget of 300 ms is used up"), "\(report.message)")
    }

    @Test func `_ready has the time of a script that loads`() async throws {
        let scripts = try await Scripts.load(
            ["main.lua": "return { _ready = function()\n  while true do end\nend }"], limits: Self.limits)
        let report = await #expect(throws: ErrorReport.self) { try await scripts.host.start().get() }
        let message = report?.message ?? ""
        #expect(message.hasPrefix("main.lua:2: the time budget of 300 ms is used up"), "\(message)")
    }

    @Test func `a script that loads has more time than a handler`() async throws {
        let slow = "local before = Time.monotonic() while Time.monotonic() - before < 0.4 do end print('loaded')"
        let limits = ScriptLimits(budget: .milliseconds(200), loadBudget: .seconds(20))
        try await withServer(["main.lua": slow], limits: limits) { server in
            let line = await server.log.wait(for: "loaded")
            #expect(line == "info loaded")
        }
    }
}
