/// An event as a client's `EventSource` would dispatch it (WHATWG HTML, "MessageEvent").
public struct MessageEvent: Equatable, Sendable {
    /// "message" when the stream named no type.
    public var type: String
    public var data: String
    public var lastEventID: String

    public init(type: String = "message", data: String, lastEventID: String = "") {
        self.type = type
        self.data = data
        self.lastEventID = lastEventID
    }
}

/// An incremental parser of `text/event-stream`: WHATWG HTML, "Interpreting an event stream", to the letter.
///
/// Bytes may be cut anywhere. An event that the stream's end leaves unfinished is discarded, as the standard says.
public struct EventParser: Sendable {
    /// The last event id that the next reconnect would send.
    public private(set) var lastEventID: String
    /// The reconnection time in milliseconds that the stream asked for; nil before it did.
    public private(set) var reconnectionTime: Int?
    /// The comments seen, without their colon; for tests and tools.
    public private(set) var comments: [String] = []
    /// Whether a line or an event was longer than allowed. The parser takes nothing more then.
    public private(set) var isOverLimit = false

    private let maxEventBytes: Int
    private let keepsComments: Bool
    private var line: [UInt8] = []
    private var atStart = true
    private var skipsLineFeed = false
    private var data: [UInt8] = []
    private var type = ""
    private var pendingID: String

    /// - Parameters:
    ///   - lastEventID: what an earlier connection to the same stream ended with. The standard's text begins each with
    ///     an empty buffer, and an event without an id would forget the place; browsers carry it over, and so does this.
    ///   - maxEventBytes: what a line and the data before it may take.
    ///   - keepsComments: false for a parser that lives as long as its stream may.
    public init(lastEventID: String = "", maxEventBytes: Int = .max, keepsComments: Bool = true) {
        self.lastEventID = lastEventID
        pendingID = lastEventID
        self.maxEventBytes = maxEventBytes
        self.keepsComments = keepsComments
    }

    /// Takes the next bytes and returns the events that they complete.
    public mutating func feed(_ bytes: some Sequence<UInt8>) -> [MessageEvent] {
        var events: [MessageEvent] = []
        guard !isOverLimit else { return events }
        for byte in bytes {
            if skipsLineFeed {
                skipsLineFeed = false
                if byte == UInt8(ascii: "\n") { continue }
            }
            switch byte {
            case UInt8(ascii: "\r"):
                skipsLineFeed = true
                endLine(&events)
            case UInt8(ascii: "\n"): endLine(&events)
            default:
                line.append(byte)
                if line.count > maxEventBytes - data.count {
                    overrun()
                    return events
                }
            }
        }
        return events
    }

    private mutating func overrun() {
        isOverLimit = true
        line = []
        data = []
    }

    private mutating func endLine(_ events: inout [MessageEvent]) {
        defer { line.removeAll(keepingCapacity: true) }
        if atStart {
            atStart = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        if line.isEmpty { return dispatch(&events) }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        if colon == 0 {
            if keepsComments { comments.append(String(decoding: line.dropFirst(), as: UTF8.self)) }
            return
        }
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        field(String(decoding: line[..<colon], as: UTF8.self), value)
    }

    private mutating func field(_ name: String, _ value: ArraySlice<UInt8>) {
        switch name {
        case "event": type = String(decoding: value, as: UTF8.self)
        case "data":
            data.append(contentsOf: value)
            data.append(UInt8(ascii: "\n"))
        case "id":
            if !value.contains(0) { pendingID = String(decoding: value, as: UTF8.self) }
        case "retry":
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            if !value.isEmpty, value.allSatisfy(digits.contains), let time = Int(String(decoding: value, as: UTF8.self))
            {
                reconnectionTime = time
            }
        default: break
        }
    }

    private mutating func dispatch(_ events: inout [MessageEvent]) {
        lastEventID = pendingID
        defer {
            data.removeAll(keepingCapacity: true)
            type = ""
        }
        guard !data.isEmpty else { return }
        let text = String(decoding: data.dropLast(), as: UTF8.self)
        events.append(MessageEvent(type: type.isEmpty ? "message" : type, data: text, lastEventID: lastEventID))
    }
}
