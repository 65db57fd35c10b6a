import HTTP
import Logging

/// The directory whose files are served where no route matches, as scripts have set it. Lives on the script loop.
final class StaticDirectory {
    private static let standard = "public"

    private let directory: ScriptDirectory
    private let log: Logger
    /// As it was given; empty when there is none.
    private(set) var path = ""
    private var files: StaticFiles?
    /// Whether a directory without an index page is answered with a list of what is in it.
    var isListed = false { didSet { update() } }
    var server: Server? { didSet { update() } }

    init(directory: ScriptDirectory, log: Logger) {
        self.directory = directory
        self.log = log
    }

    /// What is served until a script says otherwise.
    func useStandard() { _ = use(Self.standard) }

    /// Serves another directory; an empty path serves none. False when there is no such directory: nothing changes then.
    func use(_ path: String) -> Bool {
        var found: StaticFiles?
        if !path.isEmpty {
            found = StaticFiles(directory: directory.resolve(path))
            guard found != nil else { return false }
        }
        if let found, found.holds(directory.path) {
            log.warning("the static directory holds the scripts: they are served too", metadata: ["path": "\(path)"])
        }
        (self.path, files) = (path, found)
        update()
        return true
    }

    private func update() {
        files?.listsDirectories = isListed
        server?.setStaticFiles(files)
    }
}
