#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The descriptors of this process. Other tests open and close some meanwhile, so each is asked what it is.
enum OpenDescriptors {
    struct Unreadable: Error {}

    /// Where each descriptor leads.
    static func paths() throws -> [String] { try numbers().compactMap(path) }

    /// How many TCP sockets are bound to a local port: a server's listener and its connections.
    static func sockets(onLocalPort port: Int) throws -> Int {
        try numbers().filter { localPort($0) == port }.count
    }

    private static func numbers() throws -> [CInt] {
        guard let directory = opendir("/proc/self/fd") else { throw Unreadable() }
        defer { closedir(directory) }
        var numbers: [CInt] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = CInt(name) { numbers.append(number) }
        }
        return numbers
    }

    private static func path(_ descriptor: CInt) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { buffer in
            readlink("/proc/self/fd/\(descriptor)", buffer.baseAddress!, buffer.count)
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    private static func localPort(_ descriptor: CInt) -> Int? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0, [AF_INET, AF_INET6].contains(CInt(address.ss_family)) else { return nil }
        // The port follows the family, in network order, for both.
        return withUnsafeBytes(of: address) { Int($0[2]) << 8 | Int($0[3]) }
    }
}
