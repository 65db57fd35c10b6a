import EventStream
import NIOCore
import TestKit
import Testing

/// Subscribers that join, leave, are cut off and come back at random while publishing goes on.
@Suite(.timeLimit(.minutes(5))) struct MembershipSoakTests {
    static let channels = ["a", "b", "c", "d"]
    private static let script = """
        local published = {}
        for _, name in ipairs { "a", "b", "c", "d" } do published[name] = 0 end
        SSEPublisher.default:configure("*", { history = 10000 })
        HTTPServer.register_route("GET", "/events/{names}", function(request, response)
          local names, counts = {}, {}
          for name in request.path_params.names:gmatch("%a") do
            names[#names + 1] = name
            counts[#counts + 1] = name .. published[name]
          end
          local connection = response:start_sse { channels = names }
          connection:send("start", connection.connection_id .. " " .. table.concat(counts, " "))
        end)
        local function change(name)
          return function(request, response)
            local id, channel = math.tointeger(request.path_params.id), request.path_params.channel
            local connection = HTTPServer.get_sse_connection(id)
            connection[name](connection, channel)
            response.body = tostring(published[channel])
          end
        end
        HTTPServer.register_route("GET", "/join/{id}/{channel}", change("join"))
        HTTPServer.register_route("GET", "/leave/{id}/{channel}", change("leave"))
        HTTPServer.register_route("GET", "/publish/{channel}/{count}", function(request, response)
          local name = request.path_params.channel
          for _ = 1, request.path_params.count do
            published[name] = published[name] + 1
            HTTPServer.channel(name):publish(name, published[name])
          end
        end)
        """

    /// One subscriber, which knows what it must get.
    private final class Subscriber {
        let server: TestServer
        var random: SplitMix64
        var client: TestClient?
        var connection = ""
        var lastID: String?
        /// Numbers by channel, in the order in which they came.
        var got: [String: [Int]] = [:]
        /// Numbers that must be among them.
        var due: [String: Set<Int>] = [:]
        /// Channels that it is in, with the number up to which it has no claim.
        var since: [String: Int] = [:]
        private var parser = EventParser()
        private var read = 0

        init(_ server: TestServer, seed: UInt64) {
            self.server = server
            random = SplitMix64(seed: seed)
        }

        /// Opens a stream on its channels, with the last id that it has seen.
        func open() async throws {
            let names = since.keys.sorted().joined()
            let client = try await server.connect()
            try await client.request(
                "GET", "/events/\(names)", headers: lastID.map { ["Last-Event-ID: \($0)"] } ?? [])
            self.client = client
            (parser, read) = (EventParser(), 0)
            connection = ""
            while connection.isEmpty {
                try await client.wait(forBytes: read + 1)
                take()
            }
        }

        /// Reads what has come.
        func take() {
            guard let bytes = client?.bytes else { return }
            var fresh = bytes[read...]
            if read == 0 {
                guard let head = fresh.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
                fresh = fresh[head.upperBound...]
            }
            read = bytes.count
            for event in parser.feed(fresh) {
                if event.type == "start" {
                    let words = event.data.split(separator: " ")
                    connection = String(words[0])
                    if lastID == nil {
                        for word in words.dropFirst() { since[String(word.prefix(1))] = Int(word.dropFirst())! }
                    }
                } else {
                    got[event.type, default: []].append(Int(event.data) ?? -1)
                }
            }
            if !parser.lastEventID.isEmpty { lastID = parser.lastEventID }
        }

        func join(_ channel: String) async throws {
            since[channel] = try await change("join", channel)
        }

        func leave(_ channel: String) async throws {
            try await claim(channel, try await change("leave", channel))
            since[channel] = nil
        }

        /// Returns the channel's last number at that moment.
        private func change(_ call: String, _ channel: String) async throws -> Int {
            let body = try await server.body("/\(call)/\(connection)/\(channel)")
            return try #require(Int(body), "\(call): \(body)")
        }

        /// Waits for everything of a channel up to a number.
        func claim(_ channel: String, _ until: Int) async throws {
            let start = since[channel]!
            guard start < until else { return }
            due[channel, default: []].formUnion(start + 1...until)
            while (got[channel]?.last ?? 0) < until {
                try await client!.wait(forBytes: read + 1)
                take()
            }
        }

        /// Is cut off, by a FIN or a RST, wherever the stream is.
        func kill() async throws {
            take()
            if Bool.random(using: &random) { try await client!.reset() } else { try await client!.close() }
            client = nil
        }

        func live(_ rounds: Int) async throws {
            since = [MembershipSoakTests.channels.randomElement(using: &random)!: 0]
            try await open()
            for _ in 0..<rounds {
                let name = MembershipSoakTests.channels.randomElement(using: &random)!
                switch Int.random(in: 0..<8, using: &random) {
                case 0 where lastID != nil:
                    try await kill()
                    try await open()
                case 1...2 where since[name] == nil: try await join(name)
                case 3 where since[name] != nil && since.count > 1: try await leave(name)
                default:
                    _ = try await server.body("/publish/\(name)/\(Int.random(in: 1...5, using: &random))")
                    take()
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `each gets everything of its channels once and in order`(seed: UInt64) async throws {
        try await withServer(Self.script, threads: 2) { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let subscriber = Subscriber(server, seed: seed &* 1000 &+ UInt64(number))
                        try await subscriber.live(60)
                        for (name, _) in subscriber.since { try await subscriber.leave(name) }
                        for (name, numbers) in subscriber.got {
                            let isRising = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
                            #expect(isRising, "\(number) got of \(name): \(numbers)")
                            let missing = subscriber.due[name, default: []].subtracting(numbers)
                            #expect(missing.isEmpty, "\(number) lacks of \(name): \(missing.sorted())")
                        }
                        #expect(!subscriber.due.isEmpty)
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
