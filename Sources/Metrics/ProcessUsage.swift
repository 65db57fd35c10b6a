#if canImport(Glibc)
    import Glibc
#endif

/// What the process uses, as Prometheus' own clients name it. Nothing where the system has no `/proc`.
enum ProcessUsage {
    static func write(to text: inout PrometheusText) {
        #if os(Linux)
            let stat = contents(of: "/proc/self/stat")
            guard let end = stat.lastIndex(of: ")") else { return }
            // Fields from the third on, as proc(5) counts them.
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
                let pages = Int(fields[21])
            else { return }
            text.add(
                "process_cpu_seconds_total", .counter, "CPU time used, user and system.",
                (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))
            text.add(
                "process_resident_memory_bytes", .gauge, "Resident memory.", pages * sysconf(Int32(_SC_PAGESIZE)))
            text.add("process_open_fds", .gauge, "Open file descriptors.", openDescriptors())
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
            text.add("process_max_fds", .gauge, "File descriptors that may be open.", Int(clamping: limit.rlim_cur))
        #endif
    }

    #if os(Linux)
        /// Empty when it cannot be read.
        private static func contents(of path: String) -> String {
            guard let file = fopen(path, "re") else { return "" }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = fread(&bytes, 1, bytes.count, file)
            return String(decoding: bytes.prefix(count), as: UTF8.self)
        }

        private static func openDescriptors() -> Int {
            guard let directory = opendir("/proc/self/fd") else { return 0 }
            defer { closedir(directory) }
            var count = -3  // ".", "..", and the one of the directory itself
            while readdir(directory) != nil { count += 1 }
            return max(0, count)
        }
    #endif
}
