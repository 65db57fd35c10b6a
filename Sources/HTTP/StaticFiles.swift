import HTTPTypes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A directory whose files are served. A path never leaves it, whatever it is made of.
public struct StaticFiles: Sendable, Equatable {
    /// The directory's true path.
    public let root: String

    /// Nil when there is no such directory.
    public init?(directory: String) {
        guard let resolved = realpath(directory, nil) else { return nil }
        defer { free(resolved) }
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        root = String(cString: resolved)
    }

    /// The answer for a path; nil when there is no such file. Blocks on the disk.
    func response(for target: RequestTarget) -> Response? {
        var segments = target.segments
        // Hidden files stay hidden; a separator or NUL inside a decoded segment is nobody's file name.
        // By bytes: to `Character`, a `/` before a combining mark is something else.
        let separators = Set("/\\\0".utf8)
        guard
            !segments.contains(where: {
                $0.utf8.first == UInt8(ascii: ".") || $0.utf8.contains(where: separators.contains)
            })
        else { return nil }
        let namesDirectory = segments.last == ""
        if namesDirectory { segments[segments.count - 1] = "index.html" }
        guard !segments.contains("") else { return nil }
        let path = root + "/" + segments.joined(separator: "/")
        if let file = OpenFile(path: path, beneath: root) {
            return Response(status: .ok, headers: [.contentType: MIMEType.of(path)], body: .file(file))
        }
        guard !namesDirectory, OpenFile(path: path + "/index.html", beneath: root) != nil else { return nil }
        // Relative links of an index page need the closing slash.
        let query = target.query.isEmpty ? "" : "?" + target.query
        let path0 = target.raw.prefix { $0 != "?" }
        guard !path0.hasPrefix("//") else { return nil }  // would name another host
        return Response(status: .movedPermanently, headers: [.location: path0 + "/" + query])
    }
}
