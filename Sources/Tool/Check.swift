import ArgumentParser

/// `mooncast check DIR`.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load a directory of Lua scripts without serving it; report the first error.",
        discussion: """
            Reads mooncast.toml and runs each script's top level, as serve does, but binds no port and runs no _ready. \
            Exit code 1 when a script does not load; the error names file and line and shows the line.
            """
    )

    @Argument(help: "The directory of the scripts.")
    var directory: String

    func run() async throws {
        do {
            let count = try await LoadedDirectory(directory).scripts.count
            print("\(directory): \(count) script\(count == 1 ? "" : "s") loaded without an error")
        } catch {
            throw StartFailure.exit(error)
        }
    }
}
