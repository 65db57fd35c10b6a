public import EventStream
public import NIOCore

/// The life of an event source (WHATWG HTML, "The EventSource interface"): what came in goes in, what is to be done
/// comes out.
public struct EventSourceState: Sendable {
    /// What is asked for.
    public struct Request: Equatable, Sendable {
        public var url: HTTPURL
        /// Empty for none.
        public var lastEventID: String
        /// Whether the user's own header fields go along: not to another origin, which has no business with them.
        public var hasOwnFields: Bool
    }

    public enum Action: Equatable, Sendable {
        case request(Request)
        /// The stream is open; its bytes are to be given to `received`.
        case read
        /// Call `waited` after this time.
        case wait(TimeAmount)
        /// For good: by the server's word, or with what is wrong.
        case end(EventSourceFailure?)
    }

    /// The bytes that a line, or an event, may have.
    public static let maxEventBytes = 16 << 20
    public static let maxRedirects = 5

    /// The URL that was given, or what a permanent redirect made of it.
    private var url: HTTPURL
    private let origin: HTTPURL
    private var current: HTTPURL
    private var redirects = 0
    private var onlyPermanent = true
    private var delay = ReconnectionDelay()
    private var parser: EventParser

    public init(_ url: HTTPURL, lastEventID: String = "") {
        self.url = url
        origin = url
        current = url
        parser = Self.parser(lastEventID)
    }

    private static func parser(_ lastEventID: String) -> EventParser {
        EventParser(lastEventID: lastEventID, maxEventBytes: maxEventBytes, keepsComments: false)
    }

    /// At the start, and when a wait is over.
    public mutating func waited() -> Action {
        current = url
        redirects = 0
        onlyPermanent = true
        return request()
    }

    private func request() -> Action {
        .request(
            Request(
                url: current, lastEventID: parser.lastEventID, hasOwnFields: current.hasSameOrigin(as: origin)))
    }

    /// The head of an answer. `field` gives the value of a header field, nil for none.
    public mutating func answered(_ code: Int, _ reason: String, field: (String) -> String?) -> Action {
        switch code {
        case 200: return opened(field)
        case 204: return .end(nil)
        case 301, 302, 303, 307, 308: return redirected(code, to: field("location"))
        default: return .end(.status(current, code: code, reason: reason))
        }
    }

    private mutating func opened(_ field: (String) -> String?) -> Action {
        let type = field("content-type")
        guard let type, Self.essence(of: type) == "text/event-stream" else { return .end(.contentType(current, type)) }
        if let coding = field("content-encoding"), coding.lowercased() != "identity" {
            return .end(.contentCoding(current, coding))
        }
        delay.succeeded()
        parser = Self.parser(parser.lastEventID)
        return .read
    }

    /// A permanent redirect is remembered for the next connection, unless a temporary one led to it (RFC 9110,
    /// section 15.4).
    private mutating func redirected(_ code: Int, to location: String?) -> Action {
        guard let location, !location.isEmpty else { return .end(.redirectWithoutPlace(current, code: code)) }
        guard redirects < Self.maxRedirects else { return .end(.tooManyRedirects(url, limit: Self.maxRedirects)) }
        redirects += 1
        do throws(HTTPURL.Invalid) {
            current = try current.resolving(location)
        } catch {
            return .end(.badRedirect(current, location: location, reason: error.reason))
        }
        onlyPermanent = onlyPermanent && (code == 301 || code == 308)
        if onlyPermanent { url = current }
        return request()
    }

    /// The next bytes of an open stream. What is not nil behind the events ends it.
    public mutating func received(_ bytes: some Sequence<UInt8>) -> ([MessageEvent], EventSourceFailure?) {
        let events = parser.feed(bytes)
        if let time = parser.reconnectionTime { delay.setTime(milliseconds: time) }
        return (events, parser.isOverLimit ? .eventTooLong(current, limit: Self.maxEventBytes) : nil)
    }

    /// An open stream is over; its unfinished event is forgotten. Returns how long to wait.
    /// - Parameter jitter: 0 to 1, drawn.
    public mutating func streamEnded(jitter: Double) -> TimeAmount { delay.next(jitter: jitter) }

    /// There was no answer. Returns how long to wait.
    /// - Parameter jitter: 0 to 1, drawn.
    public mutating func requestFailed(jitter: Double) -> TimeAmount {
        delay.failed()
        return delay.next(jitter: jitter)
    }

    /// A media type without its parameters (WHATWG MIME Sniffing, "MIME type essence").
    private static func essence(of type: String) -> String {
        let essence = type.prefix { $0 != ";" }.drop { $0 == " " || $0 == "\t" }
        return String(essence.reversed().drop { $0 == " " || $0 == "\t" }.reversed()).lowercased()
    }
}
