#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP socket that is bound and listens, but accepts nothing yet. Made at once, on any thread, so that a script
/// knows right after `listen` whether it has the port, and which.
public struct ListeningSocket: Sendable {
    /// Why a port could not be had.
    public struct Failure: Error, Equatable, Sendable {
        public let code: CInt
        public let address: String
        public let port: Int

        public var isInUse: Bool { code == EADDRINUSE }
        public var isForbidden: Bool { code == EACCES }
        public var isBadAddress: Bool { code == EADDRNOTAVAIL || code == EINVAL }
        /// "port 8080 on 127.0.0.1 is in use".
        public var description: String {
            if isInUse { return "port \(port) on \(address) is in use" }
            if isForbidden { return "no permission to listen on port \(port) of \(address)" }
            if code == EINVAL {
                return "'\(address)' is not an address of this machine (expected an IP address, 'localhost' or '*')"
            }
            return "cannot listen on \(address) port \(port): \(String(cString: strerror(code)).lowercased())"
        }
    }

    public let descriptor: CInt
    public let port: Int

    /// - Parameters:
    ///   - address: an IP address, `localhost`, or `*` for every address, IPv6 and IPv4.
    ///   - port: 0 for a free one.
    public init(address: String, port: Int) throws(Failure) {
        func failure(_ code: CInt = errno) -> Failure { Failure(code: code, address: address, port: port) }
        guard (0...65535).contains(port) else { throw failure(EINVAL) }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | (address == "localhost" ? 0 : AI_NUMERICHOST)
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        let host: String? = address == "*" ? nil : (address == "localhost" ? "127.0.0.1" : address)
        if host == nil { hints.ai_family = AF_INET6 }
        guard getaddrinfo(host ?? "::", String(port), &hints, &found) == 0, let info = found else {
            throw failure(EINVAL)
        }
        defer { freeaddrinfo(found) }
        do {
            self = try Self.bind(info.pointee, failure)
        } catch {
            guard host == nil, [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code) else { throw error }
            self = try ListeningSocket(address: "0.0.0.0", port: port)  // a machine without IPv6
        }
    }

    private init(descriptor: CInt, port: Int) {
        self.descriptor = descriptor
        self.port = port
    }

    private static func bind(_ info: addrinfo, _ failure: (CInt) -> Failure) throws(Failure) -> ListeningSocket {
        let descriptor = socket(info.ai_family, info.ai_socktype, 0)
        guard descriptor >= 0 else { throw failure(errno) }
        var one: CInt = 1
        var zero: CInt = 0
        let size = socklen_t(MemoryLayout<CInt>.size)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if info.ai_family == AF_INET6 { setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &zero, size) }
        noticeTheVanished(descriptor)
        #if canImport(Glibc)
            let bound = Glibc.bind(descriptor, info.ai_addr, info.ai_addrlen)
        #else
            let bound = Darwin.bind(descriptor, info.ai_addr, info.ai_addrlen)
        #endif
        guard bound == 0, startListening(descriptor), let port = localPort(descriptor) else {
            let code = errno
            close(descriptor)
            throw failure(code)
        }
        return ListeningSocket(descriptor: descriptor, port: port)
    }

    /// Seconds after which a client that acknowledges nothing, or takes nothing of what is sent to it, is gone.
    private static let timeout: CInt = 60

    /// Ends connections whose client went without a word. Accepted sockets inherit it.
    private static func noticeTheVanished(_ descriptor: CInt) {
        func set(_ level: CInt, _ option: CInt, _ value: CInt) {
            var value = value
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
        }
        let tcp = CInt(IPPROTO_TCP)
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        #if os(Linux)
            set(tcp, TCP_USER_TIMEOUT, timeout * 1000)
            set(tcp, TCP_KEEPIDLE, timeout / 2)
        #else
            set(tcp, TCP_KEEPALIVE, timeout / 2)
        #endif
        set(tcp, TCP_KEEPINTVL, timeout / 6)
        set(tcp, TCP_KEEPCNT, 3)
    }

    private static func localPort(_ descriptor: CInt) -> Int? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        // Of IPv4 and IPv6 alike, behind the family, high byte first.
        return withUnsafeBytes(of: &address) { Int($0[2]) << 8 | Int($0[3]) }
    }

    /// Connections that may wait to be accepted; the system's own limit cuts it.
    private static let backlog: CInt = 4096

    private static func startListening(_ descriptor: CInt) -> Bool { listen(descriptor, backlog) == 0 }

    /// Listens again with the whole backlog.
    func restoreBacklog() { _ = Self.startListening(descriptor) }

    /// Closes a socket that was never given to a server.
    public func discard() { close(descriptor) }
}
