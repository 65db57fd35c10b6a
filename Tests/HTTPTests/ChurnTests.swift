import TestKit
import Testing

/// Line 20 of the promises.
@Suite(.timeLimit(.minutes(5))) struct ChurnTests {
    private static let script = """
        local opened, closed, doubled, seen = 0, 0, 0, {}
        HTTPServer.register_route("GET", "/stream", function(request, response)
            local connection = response:start_sse()
            connection.mark = {}
            connection:send_data("hello")
        end)
        HTTPServer.register_route("GET", "/late", function(request, response)
            sleep(0)
            response:start_sse():send_data("hello")
        end)
        HTTPServer.register_route("GET", "/count", function(request, response)
            response.body = table.concat({opened, closed, doubled, #HTTPServer.get_active_sse_connections()}, " ")
        end)
        HTTPServer.sse_connection_opened.connect(function(id) opened = opened + 1 end)
        HTTPServer.sse_connection_closed.connect(function(id)
            closed = closed + 1
            if seen[id] then doubled = doubled + 1 end
            seen[id] = true
        end)
        """

    private enum Way: Int, CaseIterable {
        case finAfterHead, resetAfterHead, closeAfterHead, finWithRequest, resetWithRequest, resetInHead, closeAtOnce,
            resetAtOnce
    }

    /// Connects, and leaves in one of several ways. Writing may fail where the server was faster.
    private func visit(_ server: TestServer, _ number: Int) async throws {
        let client = try await server.connect()
        let path = number % 3 == 0 ? "/late" : "/stream"
        switch Way.allCases[number % Way.allCases.count] {
        case .finAfterHead:
            try await client.request("GET", path)
            try await client.wait(for: "hello")
            try? await client.finish()
            try await client.waitForEnd()
        case .resetAfterHead:
            try await client.request("GET", path)
            try await client.wait(for: "hello")
            return try await client.reset()
        case .closeAfterHead:
            try await client.request("GET", path)
            try await client.wait(for: ":\n")
        case .finWithRequest:
            try await client.request("GET", path)
            try? await client.finish()
        case .resetWithRequest:
            try await client.request("GET", path)
            return try await client.reset()
        case .resetInHead:
            try await client.send("GET \(path) HTTP/1.1\r\nHo")
            return try await client.reset()
        case .closeAtOnce: break
        case .resetAtOnce: return try await client.reset()
        }
        try? await client.close()
    }

    @Test(arguments: [1, 2]) func `two thousand streams that come and go leave nothing behind`(_ threads: Int)
        async throws
    {
        try await withServer(Self.script, threads: threads) { server in
            #expect(try OpenDescriptors.sockets(onLocalPort: server.port) == 1)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<4 {
                    group.addTask {
                        for number in 0..<500 { try await visit(server, lane * 500 + number) }
                    }
                }
                try await group.waitForAll()
            }
            // The last of them may still be under way in the server: the time limit is the judge.
            let client = try await server.connect()
            var counts: [Int] = []
            repeat {
                try await client.request("GET", "/count")
                counts = try await client.response().text.split(separator: " ").compactMap { Int($0) }
            } while try counts[0] != counts[1] || counts[3] != 0
                || OpenDescriptors.sockets(onLocalPort: server.port) != 2
            #expect(counts[0] >= 2000 * 3 / Way.allCases.count)
            #expect(counts[2] == 0)
            try await client.close()
        }
    }
}
