import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A regular file, open for reading; closed when nobody holds it any more.
public final class OpenFile: Sendable {
    public let size: Int
    private let descriptor: CInt

    /// Opens for reading, without ever blocking on what is not a regular file. Nil when it is none or cannot be read.
    init?(path: String, beneath root: String) {
        let descriptor = Self.openDescriptor(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            // The file that is open, not the name that was asked for, must lie beneath the root: no race, no symlink.
            let place = Self.path(of: descriptor, named: path), place.utf8.starts(with: (root + "/").utf8)
        else {
            close(descriptor)
            return nil
        }
        self.size = Int(status.st_size)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Reads up to `count` bytes; blocks on the disk. Nil at the end or on an error.
    func read(at offset: Int, count: Int) -> ByteBuffer? {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        let read = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            max(0, pread(descriptor, bytes.baseAddress, count, off_t(offset)))
        }
        return read > 0 ? buffer : nil
    }

    private static func openDescriptor(_ path: String, _ flags: CInt) -> CInt { open(path, flags) }

    private static func path(of descriptor: CInt, named path: String) -> String? {
        #if os(Linux)
            let source = "/proc/self/fd/\(descriptor)"
        #else
            let source = path
        #endif
        guard let resolved = realpath(source, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
