/// A script's fault, ready to be shown: what, where, and how it came about.
public struct ErrorReport: Error, Sendable, Equatable {
    /// One line, beginning with file and line where they are known.
    public let message: String
    /// A line per call, innermost first; empty for a fault outside any call.
    public let traceback: String
    /// The place at fault and the text of that line.
    public let source: SourceLine?

    public struct SourceLine: Sendable, Equatable {
        public let file: String
        public let line: Int
        public let text: String
    }

    public init(message: String, traceback: String = "", source: SourceLine? = nil) {
        self.message = message
        self.traceback = traceback
        self.source = source
    }

    /// The message and, below it, the source line with its number:
    ///
    ///     hello.lua:3: unexpected symbol near '='
    ///         3 | local = 5
    public var text: String {
        guard let source else { return message }
        return "\(message)\n  \(source.line) | \(source.text)"
    }
}
