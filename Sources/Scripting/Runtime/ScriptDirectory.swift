#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The directory that the server runs: its scripts, its modules, its assets.
public struct ScriptDirectory: Sendable {
    /// Why a directory cannot be run, as a line for the terminal.
    public struct Failure: Error, Sendable, Equatable { public let message: String }

    public let path: String

    /// - Throws: when there is no such directory, or it cannot be read.
    public init(_ path: String) throws(Failure) {
        guard let resolved = realpath(path, nil) else {
            throw Failure(message: "script directory '\(path)': \(Self.lastError)")
        }
        defer { free(resolved) }
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(message: "script directory '\(path)': not a directory (expected a directory with .lua files)")
        }
        self.path = String(cString: resolved)
    }

    /// The scripts' file names in byte order: `*.lua` directly in the directory, but for those that begin with `_` or
    /// `.` and for `*_test.lua`.
    /// - Throws: when the directory cannot be read or has no script.
    public func scripts() throws(Failure) -> [String] {
        guard let stream = opendir(path) else {
            throw Failure(message: "script directory '\(path)': \(Self.lastError)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                    String(cString: $0)
                }
            }
            guard name.hasSuffix(".lua"), !name.hasPrefix("_"), !name.hasPrefix("."), !name.hasSuffix("_test.lua")
            else { continue }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw Failure(message: "script directory '\(path)' has no script (expected at least one .lua file in it)")
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// An absolute path as it is, a relative one from the directory.
    public func resolve(_ file: String) -> String { file.hasPrefix("/") ? file : path + "/" + file }

    /// The bytes of a file.
    public func read(_ file: String) throws(Failure) -> [UInt8] {
        let descriptor = open(resolve(file), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(message: "\(file): \(Self.lastError)") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { Self.read(descriptor, $0) }
            guard count >= 0 else { throw Failure(message: "\(file): \(Self.lastError)") }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    private static func read(_ descriptor: CInt, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.read(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    /// The text of a line, without the space around it; nil when the file or the line is not there.
    func line(_ number: Int, of file: String) -> String? {
        guard number > 0, !file.hasPrefix("["), let bytes = try? read(file) else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard number <= lines.count else { return nil }
        let text = String(decoding: lines[number - 1], as: UTF8.self).drop { $0 == " " || $0 == "\t" }
        return String(text.reversed().drop { $0.isWhitespace }.reversed())
    }

    private static var lastError: String { String(cString: strerror(errno)).lowercased() }
}
