import Client
import EventStream
import NIOCore

/// Prints what an event source tells: events to standard output, the rest to standard error.
struct TailPrinter {
    enum Form { case text, json, raw }

    let form: Form
    /// The events that are still wanted; nil for all.
    private var left: Int?
    /// Whether the next stream is one more, which is worth a word.
    private var wasLost = false

    init(form: Form, count: Int?) {
        self.form = form
        left = count
    }

    /// False when there is nothing more to do.
    mutating func take(_ news: EventSource.News) -> Bool {
        switch news {
        case .opened:
            if wasLost { StandardError.write("mooncast: connected again\n") }
            wasLost = false
            return true
        case .bytes(let bytes): return form != .raw || bytes.withUnsafeReadableBytes(StandardOutput.write)
        case .event(let event): return take(event)
        case .lost(let reason, let wait):
            StandardError.write("mooncast: \(Visible.text(reason)); asking again in \(Self.seconds(wait))\n")
            wasLost = true
            return true
        }
    }

    private mutating func take(_ event: MessageEvent) -> Bool {
        let now = Timestamp.now()
        let isRead =
            switch form {
            case .text: StandardOutput.write(Self.text(event, at: now.time))
            case .json: StandardOutput.write(Self.json(event, at: now.full))
            case .raw: true
            }
        left = left.map { $0 - 1 }
        return isRead && left != 0
    }

    /// `12:34:56.789 type (id 7): data`; data of several lines stands indented below it.
    static func text(_ event: MessageEvent, at time: String) -> String {
        let id = event.lastEventID.isEmpty ? "" : " (id \(Visible.text(event.lastEventID)))"
        let head = "\(time) \(Visible.text(event.type))\(id):"
        let lines = event.data.split(separator: "\n", omittingEmptySubsequences: false).map { Visible.text(String($0)) }
        if lines.count > 1 { return head + "\n" + lines.map { "    \($0)\n" }.joined() }
        return lines == [""] ? "\(head)\n" : "\(head) \(lines[0])\n"
    }

    static func json(_ event: MessageEvent, at time: String) -> String {
        JSONObject.line([
            ("time", .text(time)), ("type", .text(event.type)), ("id", .text(event.lastEventID)),
            ("data", .text(event.data)),
        ]) + "\n"
    }

    /// With one decimal.
    static func seconds(_ time: TimeAmount) -> String {
        let tenths = (time.nanoseconds + 50_000_000) / 100_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
