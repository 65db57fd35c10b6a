#if canImport(Glibc)
    // `environ` is a variable of C. Nobody writes it: scripts only read the environment.
    @preconcurrency import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The environment variables of this process.
enum ProcessEnvironment {
    static func read() -> [String: String] {
        var variables: [String: String] = [:]
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}
