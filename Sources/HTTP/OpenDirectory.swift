#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A directory that is the root or lies beneath it, open to be listed.
final class OpenDirectory {
    struct Entry: Equatable {
        let name: String
        /// Nil for a directory.
        let size: Int?
        /// Seconds since 1970.
        let modified: Int
    }

    private let path: String
    private let root: String
    private let descriptor: CInt

    /// Nil when it is none, or cannot be read.
    init?(path: String, beneath root: String) throws(OpenFile.Exhausted) {
        guard let descriptor = try OpenFile.open(path, O_RDONLY | O_DIRECTORY) else { return nil }
        guard OpenFile.isOpen(descriptor, named: path, beneath: root) else {
            close(descriptor)
            return nil
        }
        self.path = path
        self.root = root
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// What of it would be served, in byte order of the names, and whether that is all: no more than `limit` names are
    /// looked at.
    func entries(limit: Int) -> (entries: [Entry], areAll: Bool) {
        // The stream closes its descriptor.
        guard let stream = fdopendir(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) else { return ([], true) }
        defer { closedir(stream) }
        rewinddir(stream)
        var entries: [Entry] = []
        var count = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                    // No request can name what is not UTF-8.
                    String(validatingCString: $0)
                }
            }
            guard let name, StaticFiles.isServed(name) else { continue }
            count += 1
            guard count <= limit else { break }
            if let found = self.entry(name) { entries.append(found) }
        }
        return (entries.sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }, count <= limit)
    }

    private func entry(_ name: String) -> Entry? {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            guard faccessat(descriptor, name, R_OK, 0) == 0 else { return nil }
            return Entry(name: name, size: Int(status.st_size), modified: Self.modified(status))
        case S_IFDIR:
            guard faccessat(descriptor, name, R_OK | X_OK, 0) == 0 else { return nil }
            return Entry(name: name, size: nil, modified: Self.modified(status))
        case S_IFLNK:
            // It is opened as a request would open it, to see where it leads.
            let target = path + "/" + name
            if let file = try? OpenFile(path: target, beneath: root) {
                return Entry(name: name, size: file.size, modified: file.modified.seconds)
            }
            guard let directory = try? OpenDirectory(path: target, beneath: root),
                fstat(directory.descriptor, &status) == 0
            else { return nil }
            return Entry(name: name, size: nil, modified: Self.modified(status))
        default: return nil
        }
    }

    private static func modified(_ status: stat) -> Int {
        #if os(Linux)
            Int(status.st_mtim.tv_sec)
        #else
            Int(status.st_mtimespec.tv_sec)
        #endif
    }
}
