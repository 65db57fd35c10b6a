/// What can go wrong between host and Lua.
public enum LuaError: Error, Equatable, Sendable {
    /// A message for the script's author; the position of the call is put before it.
    case message(String)
    /// An argument is not what the function takes.
    case argument(index: Int, name: String, expected: String, found: String)
    /// Too few or too many arguments.
    case argumentCount(expected: ClosedRange<Int>, found: Int)
    /// Memory for a new interpreter could not be had.
    case noInterpreter

    /// The sentence that a script's author reads after the function's name.
    public var description: String {
        switch self {
        case .message(let text): return text
        case .argument(let index, let name, let expected, let found):
            return "argument \(index) (\(name)) must be \(expected), got \(found)"
        case .argumentCount(let expected, let found):
            let range =
                expected.lowerBound == expected.upperBound
                ? "\(expected.lowerBound)" : "\(expected.lowerBound) to \(expected.upperBound)"
            return "takes \(range) argument\(expected == 1...1 ? "" : "s"), got \(found)"
        case .noInterpreter: return "no memory for a Lua interpreter"
        }
    }
}
