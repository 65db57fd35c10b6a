import Foundation
import NIOCore
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
}
