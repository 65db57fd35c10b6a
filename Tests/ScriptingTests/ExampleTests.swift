import Foundation
import NIOCore
import Scripting
import TestKit
import Testing

/// The examples do what their first lines say.
@Suite(.timeLimit(.minutes(5))) struct ExampleTests {
    private let examples = #filePath.components(separatedBy: "/Tests/")[0] + "/examples/"

    @Test func `hello sends a tick a second to every client`() async throws {
        let clock = ManualClock()
        let server = try await TestServer.start(directory: examples + "hello", clock: clock)
        let client = try await server.connect()
        try await client.request("GET", "/clock")
        try await client.wait(for: "\r\n\r\n:\n")
        for _ in 0..<3 {
            _ = client.take()
            clock.advance(by: .seconds(1))
            try await client.wait(for: "event: tick\ndata: ")
        }
        try await client.close()  // the clock stands still, so that the server would wait for the client to go
        try await server.stop()
    }

    /// Runs a server with one script of the examples under a clock that stands still.
    private func withExample(
        _ file: String, _ body: (TestServer, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let script = try String(contentsOfFile: examples + file, encoding: .utf8)
        try await withServer(script, clock: clock) { server in try await body(server, clock) }
    }

    @Test func `from-s42core welcomes at once, sends after one second and closes after five`() async throws {
        try await withExample("from-s42core/main.lua") { server, clock in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.wait(for: "event: welcome\ndata: {\"uuid\":\"")
            clock.advance(by: .milliseconds(999))
            try await server.settle()
            #expect(!client.text.contains("exampleEvent"))
            clock.advance(by: .milliseconds(1))
            try await client.wait(for: "id: 1\nevent: exampleEvent\ndata: {\"data\":\"Hello, SSE!\"}\n\n")
            clock.advance(by: .milliseconds(3999))
            try await server.settle()
            let streams = try await server.node.host.statistics().get().streams
            #expect(streams.opened == 1 && streams.closed.isEmpty)
            clock.advance(by: .milliseconds(1))
            try await client.waitForEnd()
        }
    }

    @Test func `from-swiftybase sends the index every two seconds, ten times, and closes`() async throws {
        try await withExample("from-swiftybase/upgrade.lua") { server, clock in
            let client = try await server.connect()
            try await client.request("GET", "/index")
            var expected = "event: welcome\ndata: Connected!\n\n"
            for index in 0..<10 {
                expected += "data: \(index)\n\n"
                try await client.wait(for: "data: \(index)\n\n")
                #expect(client.events == expected)
                try await server.settle()  // it sleeps
                clock.advance(by: .milliseconds(1999))
                try await server.settle()
                #expect(client.events == expected)
                clock.advance(by: .milliseconds(1))
            }
            try await client.waitForEnd()
            #expect(client.events == expected)
        }
    }
}
