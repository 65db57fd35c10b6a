import Scripting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a serving process asks of the system before it begins.
enum ProcessSetup {
    /// Returns how many connections there may be.
    static func prepare(threads: Int) -> Int {
        ScriptHost.tuneAllocator()
        return max(16, raiseDescriptorLimit() - reserve - threads * reservePerThread)
    }

    /// Descriptors that are not for connections: those of the loops, files that are served or that scripts open, and
    /// connections that get only an answer.
    private static let reserve = 128
    /// Those of an event loop and of a delivery loop.
    private static let reservePerThread = 6

    /// Raises the soft limit to the hard one, which it returns; every stream takes a descriptor.
    private static func raiseDescriptorLimit() -> Int {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return .max }
        let soft = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        return Int(clamping: setrlimit(resource, &limit) == 0 ? limit.rlim_max : soft)
    }
}
