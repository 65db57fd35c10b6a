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
    /// Whether a directory without an index page is answered with a list of what is in it.
    public var listsDirectories = false

    /// Nil when there is no such directory.
    public init?(directory: String) {
        guard !directory.utf8.contains(0), let resolved = realpath(directory, nil) else { return nil }
        defer { free(resolved) }
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        root = String(cString: resolved)
    }

    /// Whether a true path is the directory's own, or leads into it.
    public func holds(_ path: String) -> Bool { Self.holds(path, root) }

    /// By bytes: to `String`, two names may be one.
    static func holds(_ path: String, _ root: String) -> Bool {
        let beneath = path.utf8.dropFirst(root.utf8.count)
        return path.utf8.starts(with: root.utf8)
            && (root == "/" || beneath.isEmpty || beneath.first == UInt8(ascii: "/"))
    }

    /// Whether a name may be asked for. Hidden files stay hidden; a separator or NUL inside a decoded segment is nobody's
    /// file name.
    static func isServed(_ name: String) -> Bool {
        // By bytes: to `Character`, a `/` before a combining mark is something else.
        let bytes = name.utf8
        return bytes.first != nil && bytes.first != UInt8(ascii: ".") && !bytes.contains(where: separators.contains)
    }

    private static let separators = Set("/\\\0".utf8)

    /// The answer for a path; nil when there is no such file. Blocks on the disk.
    func response(
        for target: RequestTarget, method: HTTPRequest.Method = .get, headers: HTTPFields = [:]
    ) -> Response? {
        let namesDirectory = target.segments.last == ""
        let names = namesDirectory ? target.segments.dropLast() : target.segments[...]
        guard names.allSatisfy(Self.isServed) else { return nil }
        let path = ([root] + names).joined(separator: "/")
        do throws(OpenFile.Exhausted) {
            if namesDirectory {
                if let page = try file(path + "/index.html", method, headers) { return page }
                guard listsDirectories, let directory = try OpenDirectory(path: path, beneath: root) else { return nil }
                return DirectoryListing(directory: directory, path: target.path).response()
            }
            if let file = try file(path, method, headers) { return file }
            if try OpenFile(path: path + "/index.html", beneath: root) != nil { return Self.addingSlash(target) }
            guard listsDirectories, try OpenDirectory(path: path, beneath: root) != nil else { return nil }
            return Self.addingSlash(target)
        } catch {
            return FileResponse.exhausted()
        }
    }

    private func file(
        _ path: String, _ method: HTTPRequest.Method, _ headers: HTTPFields
    ) throws(OpenFile.Exhausted) -> Response? {
        guard let file = try OpenFile(path: path, beneath: root) else { return nil }
        var described: HTTPFields = [.contentType: MIMEType.of(path)]
        let coded = try codedFiles(of: file, path)
        guard !coded.isEmpty else {
            return FileResponse(file: file, method: method, conditions: headers, headers: described).response()
        }
        described[.vary] = "Accept-Encoding"
        // A part is always of the plain bytes: a client that puts parts together need not know their coding.
        let isRange = method == .get && headers.contains(.range)
        let coding = isRange ? nil : AcceptEncoding(headers[.acceptEncoding]).best(of: coded.map(\.coding))
        let chosen = coded.first { $0.coding == coding }?.file ?? file
        return FileResponse(
            file: chosen, coding: coding, method: method, conditions: headers, headers: described
        ).response()
    }

    /// What lies beside a file in a coding. One that is older is of an earlier state; by seconds, because tools that
    /// keep a file's time keep no more of it.
    private func codedFiles(
        of file: OpenFile, _ path: String
    ) throws(OpenFile.Exhausted) -> [(coding: ContentCoding, file: OpenFile)] {
        var found: [(coding: ContentCoding, file: OpenFile)] = []
        for coding in ContentCoding.allCases {
            guard let coded = try OpenFile(path: path + coding.suffix, beneath: root),
                coded.modified.seconds >= file.modified.seconds
            else { continue }
            found.append((coding, coded))
        }
        return found
    }

    /// Relative links of a directory's page need the closing slash.
    private static func addingSlash(_ target: RequestTarget) -> Response? {
        let raw = target.raw.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard !raw.starts(with: "//".utf8) else { return nil }  // would name another host
        let query = target.query.isEmpty ? "" : "?" + target.query
        return Response(status: .movedPermanently, headers: [.location: String(Substring(raw)) + "/" + query])
    }
}
