import Lua

/// Finds and compiles what `require` names: `lib.scores` is `lib/scores.lua`, or `lib/scores/init.lua`.
struct ModuleLoader {
    let directory: ScriptDirectory
    let state: LuaState

    /// Pushes the compiled module, or nil and a message.
    func load(_ name: String, _ call: LuaCall) -> HostFunction.Return {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && !$0.contains("/") && !$0.contains("\\") && !$0.contains("\0") }) else {
            return failure("module '\(name)' is not a module name (expected names with dots, as 'lib.scores')", call)
        }
        let path = parts.joined(separator: "/")
        let candidates = ["\(path).lua", "\(path)/init.lua"]
        for candidate in candidates {
            guard let source = try? directory.read(candidate) else { continue }
            do {
                call.stack.push(try state.compile(source, name: candidate))
                return .results(1)
            } catch {
                return failure(error.description, call)
            }
        }
        return failure("module '\(name)' not found (no \(candidates.joined(separator: ", no ")))", call)
    }

    private func failure(_ message: String, _ call: LuaCall) -> HostFunction.Return {
        call.stack.pushNil()
        call.stack.push(message)
        return .results(2)
    }
}
