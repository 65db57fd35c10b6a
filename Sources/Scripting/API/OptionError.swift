import Lua

/// What is said of a table of options that cannot be taken.
enum OptionError {
    static func unknown(_ name: String, known: [String]) -> LuaError {
        if let meant = Suggestion.closest(to: name, in: known) {
            return .message("unknown option '\(name)'; did you mean '\(meant)'?")
        }
        return .message("unknown option '\(name)' (known: \(known.joined(separator: ", ")))")
    }

    /// The value is on top of the stack.
    static func wrong(_ name: String, _ expected: String, _ stack: LuaStack) -> LuaError {
        let shown = stack.type(at: -1) == .table ? "table" : "\(stack.kind(at: -1)) \(stack.description(at: -1))"
        return .message("option '\(name)' must be \(expected), got \(shown)")
    }
}
