import ArgumentParser
import NIOCore
import Scripting

/// `mooncast routes DIR`.
struct Routes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the routes that a directory of Lua scripts registers.",
        discussion: """
            Loads the scripts as check does, and prints their routes in the order in which they were registered, each \
            with the file and line of its function. Exit code 1 when a script does not load.
            """
    )

    @Argument(help: "The directory of the scripts.")
    var directory: String

    @Flag(help: "Print a JSON array of objects with method, path, source and line.")
    var json = false

    func run() async throws {
        do {
            let routes = try await LoadedDirectory(directory).host.routes().get()
            print(json ? Self.json(routes) : Self.table(routes))
        } catch {
            throw StartFailure.exit(error)
        }
    }

    static func table(_ routes: [RegisteredRoute]) -> String {
        let rows =
            [["METHOD", "PATH", "SOURCE"]] + routes.map { [$0.method, Visible.text($0.path), Visible.text($0.place)] }
        let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 2) }.joined() + row[2]
        }.joined(separator: "\n")
    }

    /// One route per line, in one array.
    static func json(_ routes: [RegisteredRoute]) -> String {
        let objects = routes.map { route in
            JSONObject.line([
                ("method", .text(route.method)), ("path", .text(route.path)), ("source", .text(route.source)),
                ("line", .integer(route.line)),
            ])
        }
        return objects.isEmpty ? "[]" : "[\n" + objects.joined(separator: ",\n") + "\n]"
    }
}

extension RegisteredRoute {
    fileprivate var place: String { line > 0 ? "\(source):\(line)" : source }
}
