import Lua

/// Makes reports of what went wrong in a script, in the words of its author.
struct ErrorReporter {
    let directory: ScriptDirectory
    let limits: ScriptLimits
    /// Names that a script may have meant, for misspelt ones.
    let names: KnownNames

    /// The report for a run that did not return; nil for one that did, or waits.
    func report(_ outcome: LuaCoroutine.Outcome, budget: Int64, traceback: () -> String) -> ErrorReport? {
        switch outcome {
        case .done, .waiting: return nil
        case .failed(let message, let traceback): return report(message: explain(message), traceback: traceback)
        case .outOfMemory(let traceback):
            let place = Self.firstPlace(in: traceback).map { "\($0): " } ?? ""
            let limit = limits.memory >= 1 << 20 ? "\(limits.memory >> 20) MiB" : "\(limits.memory) bytes"
            return report(message: "\(place)not enough memory: scripts may use \(limit)", traceback: traceback)
        case .overtime(let place):
            let message =
                "\(place): the time budget of \(budget / 1_000_000) ms is used up; a long task must sleep() in between"
            return report(message: message, traceback: traceback())
        }
    }

    func report(message: String, traceback: String = "") -> ErrorReport {
        ErrorReport(message: message, traceback: Self.withoutOwnFrames(traceback), source: sourceLine(of: message))
    }

    /// The line that a message's "file:line:" names.
    private func sourceLine(of message: String) -> ErrorReport.SourceLine? {
        let parts = message.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let line = Int(parts[1]), let text = directory.line(line, of: String(parts[0])) else {
            return nil
        }
        return .init(file: String(parts[0]), line: line, text: text)
    }

    /// "attempt to call a nil value (method 'sned_event')" gets the name that was probably meant.
    private func explain(_ message: String) -> String {
        guard message.contains("attempt to call a nil value ("), let start = message.lastIndex(of: "("),
            message.hasSuffix("')")
        else { return message }
        let words = message[message.index(after: start)...].dropLast(2).split(separator: "'", maxSplits: 1)
        guard words.count == 2, let meant = Suggestion.closest(to: String(words[1]), in: names.all) else {
            return message
        }
        return "\(message); did you mean '\(meant)'?"
    }

    /// The innermost script line of a traceback, as "hello.lua:3".
    private static func firstPlace(in traceback: String) -> String? {
        for line in traceback.split(separator: "\n") {
            let text = line.drop { $0 == "\t" || $0 == " " }
            let parts = text.split(separator: ":", maxSplits: 2)
            if parts.count == 3, Int(parts[1]) != nil, !text.hasPrefix("[") { return "\(parts[0]):\(parts[1])" }
        }
        return nil
    }

    private static func withoutOwnFrames(_ traceback: String) -> String {
        traceback.split(separator: "\n").filter { !$0.contains(Prelude.chunkPrefix) }.joined(separator: "\n")
    }
}
