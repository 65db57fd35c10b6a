import Logging
import Lua

/// `Log`, and `print`, which goes to the log at info.
struct Log {
    unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func register(_ builder: ClassBuilder) {
        let levels: [(String, Logger.Level)] = [
            ("debug", .debug), ("info", .info), ("warn", .warning), ("error", .error),
        ]
        let functions = levels.map { name, level in
            let body: HostFunction.Body = { [unowned runtime] call throws(LuaError) in
                let message = try call.string(1, "message")
                var metadata = Logger.Metadata()
                if !call.isMissing(2) {
                    try call.requireTable(2, "fields")
                    call.stack.forEachPair(of: call.index(2)) {
                        metadata[call.stack.description(at: -2)] = .string(call.stack.description(at: -1))
                    }
                }
                runtime.log.log(level: level, "\(message)", metadata: metadata)
                return .none
            }
            return (name, 1...2, body)
        }
        builder.namespace("Log", functions)
        registerPrint()
    }

    private func registerPrint() {
        // `tostring` may call metamethods, which only Lua code may do.
        let source = """
            local write = ...
            local tostring, select, concat = tostring, select, table.concat
            function print(...)
              local words = {}
              for index = 1, select("#", ...) do words[index] = tostring((select(index, ...))) end
              write(concat(words, "\\t"))
            end
            """
        let state = runtime.state
        guard let chunk = try? state.compile(source.utf8, name: "\(Prelude.chunkPrefix)/print.lua") else { return }
        state.stack.push(chunk)
        state.pushFunction("print", arguments: 1...1) { [unowned runtime] call throws(LuaError) in
            let text = try call.string(1, "text")
            runtime.log.info("\(text)")
            return .none
        }
        try? state.call(arguments: 1, results: 0)
    }
}
