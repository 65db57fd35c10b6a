import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A regular file, open for reading; closed when nobody holds it any more.
final class OpenFile: Sendable {
    /// The process, or the system, can open no more files for now.
    struct Exhausted: Error {}

    let size: Int
    /// When its bytes last changed, since 1970.
    let modified: (seconds: Int, nanoseconds: Int)
    /// What the file system knows it by (its inode).
    let number: UInt64
    private let descriptor: CInt

    /// Opens for reading, without ever blocking on what is not a regular file. Nil when it is none, cannot be read, or
    /// does not lie beneath the root, if there is one.
    init?(path: String, beneath root: String?) throws(Exhausted) {
        guard let descriptor = try Self.open(path, O_RDONLY) else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            root.map({ Self.isOpen(descriptor, named: path, beneath: $0) }) ?? true
        else {
            close(descriptor)
            return nil
        }
        #if os(Linux)
            let time = status.st_mtim
        #else
            let time = status.st_mtimespec
        #endif
        size = Int(status.st_size)
        modified = (Int(time.tv_sec), Int(time.tv_nsec))
        number = UInt64(status.st_ino)
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

    /// A descriptor of whatever has that name, and never one of another file that the name is cut to.
    static func open(_ path: String, _ flags: CInt) throws(Exhausted) -> CInt? {
        guard !path.utf8.contains(0) else { return nil }
        let descriptor = openDescriptor(path, flags | O_NONBLOCK | O_CLOEXEC)
        if descriptor >= 0 { return descriptor }
        if [EMFILE, ENFILE, ENOMEM].contains(errno) { throw Exhausted() }
        return nil
    }

    /// Whether what is open, rather than the name that was asked for, is the root or lies beneath it: no race, no symlink.
    static func isOpen(_ descriptor: CInt, named path: String, beneath root: String) -> Bool {
        truePath(of: descriptor, named: path).map { StaticFiles.holds($0, root) } ?? false
    }

    private static func truePath(of descriptor: CInt, named path: String) -> String? {
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

/// By a name that no member hides.
private func openDescriptor(_ path: String, _ flags: CInt) -> CInt { open(path, flags) }
