import NIOCore
import Scripting
import TestKit
import Testing

/// `Timer`, `Engine.create_timer`, and the ticks of `_process` beside them.
@Suite(.timeLimit(.minutes(5))) struct TimerTests {
    /// Loads a script that has a timer `t` and a function `at()`, the seconds since the script began.
    private func load(_ timer: String, _ code: String) async throws -> Scripts {
        try await Scripts.load(
            """
            local begun = Time.monotonic()
            local function at() return string.format("%.2f", Time.monotonic() - begun) end
            local t = \(timer)
            t.timeout:connect(function() print("timeout", at()) end)
            \(code)
            """)
    }

    /// What is printed in five seconds: how each line begins.
    static let timers: [(String, [String])] = [
        ("Engine.create_timer(2)", ["timeout\t2.00"]), ("Engine:create_timer(2)", ["timeout\t2.00"]),
        ("Engine.create_timer(0.25)", ["timeout\t0.25"]),
        ("Timer.new{ wait_time = 2, one_shot = true, autostart = true }", ["timeout\t2.00"]),
        ("Timer.new{ wait_time = 2, autostart = true }", ["timeout\t2.00", "timeout\t4.00"]),
        ("Timer.new{ autostart = true }", [1, 2, 3, 4, 5].map { "timeout\t\($0).00" }),
        ("Timer.new{ wait_time = 1.5, one_shot = false, autostart = true }", [1, 3, 4].map { "timeout\t\($0)." }),
        ("Timer.new()", []), ("Timer.new{ wait_time = 1 }", []), ("Timer.new{ one_shot = true }", []),
    ]

    @Test(arguments: timers)
    func `a timer fires when and as often as it was asked to`(timer: String, prints: [String]) async throws {
        let scripts = try await load(timer, "")
        try await scripts.advance(.milliseconds(250), times: 20)
        #expect(scripts.printed.count == prints.count, "\(scripts.printed)")
        for (line, print) in zip(scripts.printed, prints) { #expect(line.hasPrefix(print)) }
    }

    @Test func `a timer is never early`() async throws {
        let scripts = try await load("Engine.create_timer(0.5)", "")
        try await scripts.advance(.milliseconds(499))
        #expect(scripts.printed == [])
        try await scripts.advance(.milliseconds(1))
        #expect(scripts.printed == ["timeout\t0.50"])
    }

    @Test func `a timer has Godot's fields`() async throws {
        let prints = try await Scripts.prints(
            of: """
                for _, t in ipairs {
                  Timer.new(), Timer.new { wait_time = 2, one_shot = true, autostart = true }, Engine.create_timer(3)
                } do
                  local left = t:is_stopped() and 0 or t.wait_time
                  print(t.wait_time, t.one_shot, t.autostart, t:is_stopped(), t.time_left == left)
                end
                local t = Timer.new()
                t.wait_time, t.one_shot = 7, true
                print(t.wait_time, t.one_shot)
                """)
        #expect(
            prints == [
                "1\tfalse\tfalse\ttrue\ttrue", "2\ttrue\ttrue\tfalse\ttrue", "3\ttrue\tfalse\tfalse\ttrue", "7\ttrue",
            ])
    }

    @Test func `time_left counts down, and is 0 for a timer that is stopped`() async throws {
        let scripts = try await load(
            "Timer.new{ wait_time = 3, one_shot = true }",
            """
            local function look()
              local left = math.floor(t.time_left)
              print(left == t.time_left, left, t:is_stopped())
            end
            look()
            t:start()
            look()
            spawn(function() for _ = 1, 4 do sleep(1) look() end end)
            """)
        try await scripts.advance(.seconds(1), times: 4)
        #expect(scripts.printed.filter { !$0.hasPrefix("timeout") }.count == 6)
        for line in ["true\t0\ttrue", "true\t3\tfalse", "true\t2\tfalse", "true\t1\tfalse"] {
            #expect(scripts.printed.contains(line), "\(scripts.printed)")
        }
        #expect(scripts.printed.last == "true\t0\ttrue")
    }

    @Test func `start with a time sets the wait, also of the next rounds`() async throws {
        let scripts = try await load("Timer.new()", "t:start(2) print(t.wait_time)")
        try await scripts.advance(.seconds(1), times: 5)
        #expect(scripts.printed == ["2", "timeout\t2.00", "timeout\t4.00"])
    }

    @Test func `start while it runs begins anew, and fires once`() async throws {
        let scripts = try await load(
            "Timer.new{ wait_time = 2, one_shot = true, autostart = true }",
            "spawn(function() for _ = 1, 3 do sleep(1) t:start() end end)")
        try await scripts.advance(.seconds(1), times: 10)
        #expect(scripts.printed == ["timeout\t5.00"])
    }

    @Test(arguments: ["Engine.create_timer(2)", "Timer.new{ wait_time = 2, autostart = true }"])
    func `a stopped timer does not fire, and can be started again`(timer: String) async throws {
        let scripts = try await load(
            timer,
            """
            spawn(function() sleep(1) t:stop() t:stop() print("stopped", t:is_stopped()) sleep(4) t:start() end)
            """)
        try await scripts.advance(.seconds(1), times: 8)
        #expect(scripts.printed == ["stopped\ttrue", "timeout\t7.00"])
    }

    @Test func `a callback may stop its timer, and may start a one-shot again`() async throws {
        let repeating = try await load(
            "Timer.new{ autostart = true }", "t.timeout:connect(function() print(t:is_stopped()) t:stop() end)")
        try await repeating.advance(.seconds(1), times: 5)
        #expect(repeating.printed == ["timeout\t1.00", "false"])
        let once = try await load(
            "Engine.create_timer(1)", "t.timeout:connect(function() print(t:is_stopped()) t:start(2) end)")
        try await once.advance(.seconds(1), times: 5)
        #expect(once.printed == ["timeout\t1.00", "true", "timeout\t3.00", "true", "timeout\t5.00", "true"])
    }

    @Test func `a callback that raises does not stop the timer or the other callbacks`() async throws {
        let scripts = try await load(
            "Timer.new{ autostart = true }",
            """
            t.timeout:connect(function() error("boom") end)
            t.timeout:connect(function() print("other") end)
            """)
        try await scripts.advance(.seconds(1), times: 3)
        #expect(scripts.printed == (1...3).flatMap { ["timeout\t\($0).00", "other"] })
        #expect(scripts.errors.count == 3)
        #expect(scripts.errors.allSatisfy { $0.hasPrefix("main.lua:5: boom") && $0.contains("timeout") })
    }

    @Test func `a callback that waits does not hold the next round`() async throws {
        let scripts = try await load(
            "Timer.new{ autostart = true }", "t.timeout:connect(function() sleep(2.5) print('slept', at()) end)")
        try await scripts.advance(.milliseconds(500), times: 9)
        #expect(
            scripts.printed == [
                "timeout\t1.00", "timeout\t2.00", "timeout\t3.00", "slept\t3.50", "timeout\t4.00", "slept\t4.50",
            ])
    }

    @Test func `rounds that came too late are not made up`() async throws {
        let scripts = try await load("Timer.new{ autostart = true }", "")
        try await scripts.advance(.seconds(3600))
        let late = scripts.printed.count
        #expect((1...2).contains(late), "\(scripts.printed)")
        try await scripts.advance(.seconds(1), times: 3)
        #expect(scripts.printed.count == late + 3)
    }

    @Test func `a timer that nobody holds fires all the same`() async throws {
        let scripts = try await Scripts.load(
            """
            Engine.create_timer(1).timeout:connect(function() print("one shot") end)
            Timer.new { autostart = true }.timeout:connect(function() print("round") end)
            collectgarbage()
            collectgarbage()
            """)
        try await scripts.advance(.seconds(1), times: 2)
        #expect(scripts.printed == ["one shot", "round", "round"])
    }

    @Test func `timers fire in the order of their times, then of their starts`() async throws {
        let scripts = try await Scripts.load(
            """
            for index, seconds in ipairs { 3, 1, 2, 1.5, 1 } do
              Engine.create_timer(seconds).timeout:connect(function() print(seconds, index) end)
            end
            """)
        try await scripts.advance(.seconds(10))
        #expect(scripts.printed == ["1\t2", "1\t5", "1.5\t4", "2\t3", "3\t1"])
    }

    @Test(arguments: [
        "Timer.new{ autostart = 'yes' }", "Timer.new{ wait_time = -1 }", "Timer.new{ wait_time = 0/0 }",
        "Timer.new{ wait_time = math.huge }", "Timer.new{ wait = 1 }", "Timer.new{ 5 }", "Timer.new():start(0)",
        "Timer.new():start(-1)", "Timer.new():start(0/0)", "Timer.new().one_shot = 1", "Timer.new().wait_time = 'x'",
        "Engine.create_timer()", "Engine.create_timer(-1)", "Engine.create_timer(0/0)", "Engine.create_timer{}",
        "Engine.ticks_per_second = 0/0", "Engine.ticks_per_second = 1e9", "Engine.ticks_per_second = nil",
    ])
    func `a wrong option is an error at the script's line`(code: String) async throws {
        let report = try await Scripts.failure("local line = 1\n\(code)")
        let function = code.prefix { $0.isLetter || $0 == "." }.split(separator: ".").first ?? ""
        #expect(report.message.hasPrefix("main.lua:2: \(function)."), "\(report.message)")
        #expect(report.source?.line == 2)
    }
}
