import Lua

/// Finds and compiles what `require` names: `lib.scores` is `lib/scores.lua`, or `lib/scores/init.lua`.
struct ModuleLoader {
    let directory: ScriptDirectory
    let state: LuaState

    /// Pushes the compiled module, or nil and a message that names the place in the module.
    /// - Throws: when there is no such module.
    func load(_ name: String, _ call: LuaCall) throws(LuaError) -> HostFunction.Return {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && !$0.contains("/") && !$0.contains("\\") && !$0.contains("\0") }) else {
            throw .message("module '\(name)' is not a module name (expected names with dots, as 'lib.scores')")
        }
        let path = parts.joined(separator: "/")
        let candidates = ["\(path).lua", "\(path)/init.lua"]
        for candidate in candidates {
            guard let source = try? directory.read(candidate) else { continue }
            do {
                call.stack.push(try state.compile(source, name: candidate))
                return .results(1)
            } catch {
                call.stack.pushNil()
                call.stack.push(error.description)
                return .results(2)
            }
        }
        throw .message("module '\(name)' not found (no \(candidates.joined(separator: ", no ")))")
    }
}
