import Foundation
import NIOCore
import Scripting
import TestKit
import Testing

/// The examples do what their first lines say.
@Suite struct ExampleTests {
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

    @Test func `from-s42core welcomes at once, sends after one second and closes after five`() async throws {
        let clock = ManualClock()
        let server = try await TestServer.start(directory: examples + "from-s42core", clock: clock)
        let client = try await server.connect()
        try await client.request("GET", "/events")
        try await client.wait(for: "event: welcome\ndata: {\"uuid\":\"")
        clock.advance(by: .milliseconds(999))
        try await server.settle()
        #expect(!client.text.contains("exampleEvent"))
        clock.advance(by: .milliseconds(1))
        try await client.wait(for: "id: 1\nevent: exampleEvent\ndata: {\"data\":\"Hello, SSE!\"}\n\n")
        clock.advance(by: .milliseconds(3999))
        let stillOpen = try await server.status(of: "/other")
        #expect(stillOpen == "404")
        let active = try await server.node.host.statistics().get().streams
        #expect(active.opened == 1 && active.closed.isEmpty)
        clock.advance(by: .milliseconds(1))
        try await client.waitForEnd()
        try await server.stop()
    }

    @Test func `from-swiftybase sends the index every two seconds, ten times, and closes`() async throws {
        let clock = ManualClock()
        let script = try String(contentsOfFile: examples + "from-swiftybase/upgrade.lua", encoding: .utf8)
        try await withServer(script, clock: clock) { server in
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
