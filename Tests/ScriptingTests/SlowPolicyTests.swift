import TestKit
import Testing

/// What `on_slow` does for a client that takes nothing for a while, through a real server.
@Suite(.timeLimit(.minutes(5))) struct SlowPolicyTests {
    private static let script = """
        HTTPServer.register_route("GET", "/events/{policy}", function(request, response)
          response:start_sse { on_slow = request.path_params.policy, max_buffered_bytes = 50000, channels = { "c" } }
        end)
        HTTPServer.register_route("GET", "/send/{way}", function(request, response)
          local filler = ("x"):rep(9990)
          local results = {}
          for number = 1, 1000 do
            local event = { key = number % 2 == 0 and "even" or nil, data = number .. " " .. filler }
            if request.path_params.way == "channel" then
              HTTPServer.channel("c"):publish(event)
            else
              results[HTTPServer.get_sse_connection(1):send(event)] = true
            end
            if number % 10 == 0 then sleep(0.001) end
          end
          response.body = tostring(results[true]) .. " " .. tostring(results[false])
        end)
        HTTPServer.register_route("GET", "/last", function() HTTPServer.channel("c"):publish("", "last") end)
        HTTPServer.sse_connection_opened:connect(function(id) print("opened", id) end)
        HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
        """

    @Test(arguments: ["drop_oldest", "drop_newest", "conflate"], ["channel", "connection"])
    func `a slow client stays, gets whole events in order, and is told what it did not get`(
        policy: String, way: String
    ) async throws {
        try await withServer(Self.script, threads: 2) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 65536)
            try await client.request("GET", "/events/\(policy)")
            _ = await server.log.wait(for: "opened")
            let answer = try await server.body("GET", "/send/\(way)")
            if way == "connection" { #expect(answer.hasPrefix("true ")) }
            try await client.startReading()
            if policy == "drop_newest" {
                try await client.wait(for: "event: dropped\n")
                // The newest are what is dropped: until one gets through.
                while !client.text.contains("data: last") { _ = try await server.body("GET", "/last") }
            } else {
                try await client.wait(for: "data: 1000 x")
            }
            var (next, dropped, numbers) = (1, 0, [Int]())
            for event in client.events.split(separator: "\n\n") {
                let lines = event.split(separator: "\n").filter { !$0.hasPrefix("id: ") }
                if lines.first == "event: dropped" {
                    let count = try #require(Int(lines.last!.dropFirst(6)))
                    dropped += count
                    next += count
                } else if let number = lines.last.flatMap({ Int($0.dropFirst(6).prefix { $0 != " " }) }) {
                    numbers.append(number)
                    if policy != "conflate" { #expect(number == next) }
                    next += 1
                }
            }
            #expect(dropped > 0)
            if policy != "drop_newest" {
                #expect(numbers == numbers.sorted())
                #expect(dropped + numbers.count == 1000)
            }
            #expect(server.printed.filter { $0.hasPrefix("closed") }.isEmpty)
        }
    }
}
