import Logging
import Scripting

/// A directory of scripts, loaded as `serve` loads it, but not served.
struct LoadedDirectory {
    /// The scripts' file names.
    let scripts: [String]
    let host: ScriptHost

    /// - Throws: what is wrong with `mooncast.toml`, or with the first script that does not load.
    init(_ path: String) async throws {
        let directory = try ScriptDirectory(path)
        try SettingSources.check(SettingsFile(in: directory))
        let configuration = ScriptHost.Configuration(directory: directory, isCheck: true)
        let node = try await Node.make(configuration, threads: 1, log: LogFormat.text.logger(level: .critical))
        try await node.load()
        scripts = try directory.scripts()
        host = node.host
    }
}
