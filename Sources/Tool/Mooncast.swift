import ArgumentParser

/// The command `mooncast`.
@main
struct Mooncast: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "mooncast",
        abstract: "A server that you script in Lua: routes, live event streams, signals.",
        discussion: """
            Give it a directory of Lua files:

              mooncast serve my-scripts/     serve them
              mooncast check my-scripts/     load them, report the first error, and stop
              mooncast routes my-scripts/    list their routes
              mooncast tail URL              print the events of a stream
            """,
        version: "mooncast \(version)",
        subcommands: [Serve.self, Check.self, Routes.self, Tail.self]
    )
}
