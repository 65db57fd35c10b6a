import NIOCore
import Scripting
import TestKit
import Testing

/// The tables that scripts return: `_ready`, `_process`, `_exit_tree`.
@Suite(.timeLimit(.minutes(5))) struct NodeCallbackTests {
    /// Loads the files and runs every `_ready`.
    private func start(_ files: [String: String]) async throws -> Scripts {
        let scripts = try await Scripts.load(files)
        try await scripts.host.start().get()
        return scripts
    }

    private func start(_ script: String) async throws -> Scripts { try await start(["main.lua": script]) }

    @Test func `_ready runs when all scripts have loaded, in their order, with the node`() async throws {
        let scripts = try await start([
            "a.lua":
                "print('load a') local n = { name = 'a' } function n:_ready() print('ready ' .. self.name) end return n",
            "b.lua": "print('load b') return { _ready = function(self) print('ready b', self.name) end }",
            "c.lua": "print('load c') return {}",
        ])
        #expect(scripts.printed == ["load a", "load b", "load c", "ready a", "ready b\tnil"])
    }

    @Test func `a _ready that waits holds the next`() async throws {
        let scripts = try await Scripts.load([
            "a.lua": "return { _ready = function() sleep(1) print('a') end }",
            "b.lua": "return { _ready = function() print('b') end }",
        ])
        let started = Task { try await scripts.host.start().get() }
        try await scripts.settle()
        #expect(scripts.printed == [])
        scripts.clock.advance(by: .seconds(1))
        try await started.value
        #expect(scripts.printed == ["a", "b"])
    }

    @Test func `the server listens before _ready and accepts after it`() async throws {
        try await withServer(
            """
            HTTPServer.server_started:connect(function(port) print("started", port == HTTPServer.get_port()) end)
            print("listen", HTTPServer.listen(0), HTTPServer.is_listening(), HTTPServer.get_port() > 0)
            return {
              _ready = function()
                print("ready", HTTPServer.get_port() > 0)
                sleep(0.001)
                print("ready done")
              end,
            }
            """
        ) { server async throws in
            _ = await server.log.wait(for: "started")
            let prints = server.printed.filter { !$0.hasPrefix("listening") }
            #expect(prints == ["listen\t0\ttrue\ttrue", "ready\ttrue", "ready done", "started\ttrue"])
        }
    }

    @Test func `without a call of listen the server listens by itself after _ready`() async throws {
        try await withServer(
            "return { _ready = function() print(HTTPServer.is_listening(), HTTPServer.get_port()) end }"
        ) {
            #expect($0.printed.first == "false\t0")
            #expect($0.port > 0)
        }
    }

    @Test func `a _ready that fails fails the start`() async throws {
        let scripts = try await Scripts.load("return { _ready = function(self)\n  error('not ready')\nend }")
        let report = await #expect(throws: ErrorReport.self) { try await scripts.host.start().get() }
        #expect(report?.message == "main.lua:2: not ready")
    }

    @Test func `_process is called twenty times a second with the seconds since the last`() async throws {
        let scripts = try await start("return { _process = function(self, delta) print(delta) end }")
        #expect(scripts.printed == [])
        try await scripts.advance(.milliseconds(49))
        #expect(scripts.printed == [])
        try await scripts.advance(.milliseconds(1))
        try await scripts.advance(.milliseconds(50))
        #expect(scripts.printed == ["0.05", "0.05"])
    }

    @Test func `late ticks are not made up, and delta tells the whole time`() async throws {
        let scripts = try await start("return { _process = function(self, delta) print(delta) end }")
        try await scripts.advance(.seconds(1))
        try await scripts.advance(.milliseconds(50))
        #expect(scripts.printed == ["1.0", "0.05"])
    }

    @Test func `ticks_per_second sets how often, also later, and 0 means never`() async throws {
        let scripts = try await start(
            """
            Engine.ticks_per_second = 2
            print(Engine.ticks_per_second == 2)
            local ticks = 0
            return { _process = function(self, delta)
              ticks = ticks + 1
              print(delta)
              if ticks == 2 then Engine.ticks_per_second = 10 end
              if ticks == 3 then Engine.ticks_per_second = 0 end
            end }
            """)
        try await scripts.advance(.milliseconds(500), times: 2)
        try await scripts.advance(.milliseconds(100))
        try await scripts.advance(.seconds(5), times: 2)
        #expect(scripts.printed == ["true", "0.5", "0.5", "0.1"])
    }

    @Test(arguments: ["1e-12", "1e-300", "0.001"])
    func `a tiny number of ticks is next to none`(number: String) async throws {
        let scripts = try await start(
            """
            Engine.ticks_per_second = \(number)
            return { _process = function() print("tick") end }
            """)
        try await scripts.advance(.seconds(60))
        #expect(scripts.printed == [])
    }

    @Test func `nothing ticks when no node has _process`() async throws {
        let scripts = try await start("return { _ready = function() end }")
        #expect(scripts.clock.nextDeadline == nil)
    }

    @Test func `a _process that waits is not entered again, and others are`() async throws {
        let scripts = try await start([
            "a.lua": "return { _process = function() print('a in') sleep(0.12) print('a out') end }",
            "b.lua": "return { _process = function() print('b') end }",
        ])
        try await scripts.advance(.milliseconds(50), times: 3)
        #expect(scripts.printed == ["a in", "b", "b", "b"])
        try await scripts.advance(.milliseconds(50))
        #expect(scripts.printed.contains("a out"))
        #expect(scripts.printed.filter { $0 == "a in" }.count <= 2)
        #expect(scripts.printed.filter { $0 == "b" }.count == 4)
    }

    @Test func `a _process that fails is logged, the others run, and it is called again`() async throws {
        let scripts = try await start([
            "a.lua": "return { _process = function()\n  error('no tick')\nend }",
            "b.lua": "return { _process = function() print('b') end }",
        ])
        try await scripts.advance(.milliseconds(50), times: 2)
        #expect(scripts.printed == ["b", "b"])
        #expect(scripts.errors.count == 2)
        #expect(scripts.errors.allSatisfy { $0.hasPrefix("a.lua:2: no tick") && $0.contains("_process") })
    }

    @Test func `_exit_tree runs when the server stops, and then no tick any more`() async throws {
        let scripts = try await start([
            "a.lua": "return { _exit_tree = function(self) print('exit a', self ~= nil) error('x') end }",
            "b.lua": "return { _exit_tree = function() print('exit b') end, _process = function() print('tick') end }",
        ])
        try await scripts.host.exitTree().get()
        try await scripts.advance(.seconds(1))
        #expect(scripts.printed == ["exit a\ttrue", "exit b"])
    }

    @Test func `an _exit_tree that never returns does not hold the stop beyond its deadline`() async throws {
        let server = try await TestServer.start(
            """
            return { _exit_tree = function() print("exit") await(Signal.new("never")) end }
            """)
        try await server.stop(within: .milliseconds(50))
        #expect(server.printed.contains("exit"))
    }
}
