import TestKit
import Testing

@testable import HTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.timeLimit(.minutes(5))) struct ListeningSocketTests {
    private func failure(_ address: String, _ port: Int) -> ListeningSocket.Failure? {
        do throws(ListeningSocket.Failure) {
            try ListeningSocket(address: address, port: port).discard()
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost", "0.0.0.0", "*"])
    func `port 0 is a free port, known at once`(_ address: String) throws {
        let socket = try ListeningSocket(address: address, port: 0)
        defer { socket.discard() }
        #expect((1...65535).contains(socket.port))
        #expect(try OpenDescriptors.sockets(onLocalPort: socket.port) == 1)
    }

    @Test func `a port in use is said to be`() throws {
        let socket = try ListeningSocket(address: "127.0.0.1", port: 0)
        defer { socket.discard() }
        for address in ["127.0.0.1", "localhost"] {
            let found = try #require(failure(address, socket.port))
            #expect(found.isInUse)
            #expect(!found.isForbidden && !found.isBadAddress)
            #expect(found.description == "port \(socket.port) on \(address) is in use")
        }
        #expect(try #require(failure("*", socket.port)).isInUse)
        #expect(try OpenDescriptors.sockets(onLocalPort: socket.port) == 1)
    }

    @Test(arguments: [
        "", "nonsense", "256.1.1.1", "127.0.0.1:80", "example.invalid", "::1%none", "[::1]", "http://127.0.0.1",
    ])
    func `what is no address is said to be none, without asking anybody`(_ address: String) throws {
        let found = try #require(failure(address, 0))
        #expect(found.isBadAddress)
        #expect(!found.isInUse && !found.isForbidden)
        #expect(found.description.contains("'\(address)'"))
    }

    @Test func `an address of another machine is a bad one`() throws {
        let found = try #require(failure("192.0.2.1", 0))
        #expect(found.isBadAddress)
        #expect(found.description.contains("192.0.2.1"))
    }

    @Test(arguments: [-1, 65536, Int.max, Int.min])
    func `a port outside the range is refused`(_ port: Int) throws {
        #expect(try #require(failure("127.0.0.1", port)).code == EINVAL)
    }

    @Test func `a discarded port is free again`() throws {
        let socket = try ListeningSocket(address: "127.0.0.1", port: 0)
        socket.discard()
        #expect(try OpenDescriptors.sockets(onLocalPort: socket.port) == 0)
        let again = try ListeningSocket(address: "127.0.0.1", port: socket.port)
        #expect(again.port == socket.port)
        again.discard()
    }

    @Test func `it listens before anybody accepts`() async throws {
        let socket = try ListeningSocket(address: "127.0.0.1", port: 0)
        defer { socket.discard() }
        let client = try await TestClient.connect(port: socket.port)
        try await client.close()
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `a star takes both families`(_ host: String) async throws {
        let socket = try ListeningSocket(address: "*", port: 0)
        defer { socket.discard() }
        let client = try await TestClient.connect(port: socket.port, host: host)
        try await client.close()
    }

    @Test func `an IPv6 address takes connections`() async throws {
        let socket = try ListeningSocket(address: "::1", port: 0)
        defer { socket.discard() }
        let client = try await TestClient.connect(port: socket.port, host: "::1")
        try await client.close()
    }

    @Test func `it is not passed on to other programs`() throws {
        let socket = try ListeningSocket(address: "127.0.0.1", port: 0)
        defer { socket.discard() }
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test(arguments: [
        (EADDRINUSE, "port 80 on * is in use"),
        (EACCES, "no permission to listen on port 80 of *"),
        (EINVAL, "'*' is not an address of this machine (expected an IP address, 'localhost' or '*')"),
        (EMFILE, "cannot listen on * port 80: too many open files"),
    ])
    func `a failure is one clear sentence`(_ code: CInt, _ description: String) {
        #expect(ListeningSocket.Failure(code: code, address: "*", port: 80).description == description)
    }
}
