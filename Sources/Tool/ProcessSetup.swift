import Scripting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a serving process asks of the system before it begins.
enum ProcessSetup {
    static func prepare() {
        raiseDescriptorLimit()
        ScriptHost.tuneAllocator()
    }

    /// Raises the soft limit to the hard one; every stream takes a descriptor.
    private static func raiseDescriptorLimit() {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

}
