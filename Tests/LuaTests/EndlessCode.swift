import Testing

/// A script that would never end by itself. Where it says LOOP is an endless loop; the line of that, or of HERE, is
/// where the time budget must find it.
struct EndlessCode: CustomTestStringConvertible, Sendable {
    let name: String
    private let code: String

    init(_ name: String, _ code: String) {
        self.name = name
        self.code = code
    }

    var testDescription: String { name }

    var source: String { code.replacing("LOOP", with: "while true do end") }

    /// The line that the budget runs out at; nil where it may be any of several.
    var line: Int? {
        let lines = code.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.firstIndex { $0.contains("LOOP") || $0.contains("HERE") }.map { $0 + 1 }
    }

    /// The code with other code around it, on the same lines.
    func wrapped(in wrapper: String) -> String { wrapper.replacing("%@", with: "; " + source) }

    /// A variable whose closing runs `body`.
    static func closing(_ body: String) -> String {
        "local x <close> = setmetatable({}, { __close = function() \(body) end })"
    }

    /// A table with one metamethod, which runs `body`.
    static func with(_ metamethod: String, _ body: String = "\nLOOP") -> String {
        "setmetatable({}, { \(metamethod) = function() \(body) end })"
    }
}
