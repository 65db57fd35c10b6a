import Lua

/// What a script's author reads about a table of options.
enum OptionError {
    static func unknown(_ name: String, known: [String]) -> LuaError {
        if let meant = Suggestion.closest(to: name, in: known) {
            return .message("unknown option '\(name)'; did you mean '\(meant)'?")
        }
        return .message("unknown option '\(name)' (known: \(known.joined(separator: ", ")))")
    }

    /// For the value on top of the stack.
    static func wrong(_ name: String, _ expected: String, _ stack: LuaStack) -> LuaError {
        let found = stack.type(at: -1) == .table ? "table" : "\(stack.kind(at: -1)) \(stack.description(at: -1))"
        return .message("option '\(name)' must be \(expected), got \(found)")
    }
}
