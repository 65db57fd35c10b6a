import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// The life of one connection until it becomes a stream, as a pure state machine.
///
///     idle --head--> collecting --end--> answering --answered--> idle ...
///       \--bad-------------\------------------\----------------> ending (nothing more is read)
struct RequestState {
    enum Action: Equatable {
        case none
        /// Tell the client to send the body it announced.
        case sendContinue
        /// The request is whole.
        case dispatch(HTTPRequest, ByteBuffer)
        /// Answer with this error and close.
        case refuse(RequestError)
        /// Close without a word.
        case close
    }

    /// What follows an answer.
    enum Next: Equatable { case nextRequest, close }

    private enum Phase {
        case idle
        case collecting(HTTPRequest, ByteBuffer)
        case answering(keepAlive: Bool)
        case ending
    }

    /// To be changed between requests only.
    var limits: HTTPLimits
    private var phase = Phase.idle
    private var isShuttingDown = false
    private(set) var inputIsClosed = false
    /// Whether parts of requests behind the one being answered have come: who shuts down its side after them is owed their
    /// answers too.
    var hasMore = false
    /// An error of a request behind the one being answered.
    private var laterError: RequestError?
    /// No head has come yet.
    private var isNew = true
    /// The first bytes of a head have come, and its end has not.
    private var headIsOpen = false
    /// Since when the client is waited for; nil while it is not, and before `startWait`.
    private var waitStart: NIODeadline?

    init(limits: HTTPLimits) { self.limits = limits }

    var isIdle: Bool { if case .idle = phase { true } else { false } }
    var isAnswering: Bool { if case .answering = phase { true } else { false } }
    var isEnding: Bool { if case .ending = phase { true } else { false } }

    /// A part came, and no answer is under way.
    mutating func received(_ part: HTTPRequestPart) -> Action {
        switch (phase, part) {
        case (.idle, .head(let head)):
            phase = .collecting(head, ByteBuffer())
            isNew = false
            waitStart = nil
            guard let expectation = head.headerFields[.expect] else { return .none }
            guard expectation.lowercased() == "100-continue" else { return fail(.expectationFailed) }
            return .sendContinue
        case (.collecting(let head, var body), .body(let bytes)):
            phase = .ending  // so that the buffer is not shared while it grows
            guard body.readableBytes + bytes.readableBytes <= limits.maxBodyBytes else {
                return fail(.bodyTooLarge(limit: limits.maxBodyBytes))
            }
            body.writeImmutableBuffer(bytes)
            phase = .collecting(head, body)
            return .none
        case (.collecting(let head, let body), .end):
            phase = .answering(keepAlive: keepsAlive(head))
            waitStart = nil
            return .dispatch(head, body)
        default: return .none
        }
    }

    /// Bytes that are no request, or a request that is refused.
    mutating func failed(_ error: RequestError) -> Action {
        switch phase {
        case .idle, .collecting: return fail(error)
        case .answering:
            laterError = error
            return .none
        case .ending: return .none
        }
    }

    private mutating func fail(_ error: RequestError) -> Action {
        phase = .ending
        return .refuse(error)
    }

    /// The answer is written.
    mutating func answered() -> Next {
        guard case .answering(let keepAlive) = phase else { return .close }
        guard keepAlive, !isShuttingDown, laterError == nil, !inputIsClosed || hasMore else {
            phase = .ending
            return .close
        }
        phase = .idle
        waitStart = nil
        return .nextRequest
    }

    /// Whether the answer must say `Connection: close`.
    var closesAfterAnswer: Bool {
        guard case .answering(let keepAlive) = phase else { return true }
        return !keepAlive || isShuttingDown || laterError != nil || inputIsClosed && !hasMore
    }

    /// The client sends no more. True when the connection can be closed now: nobody is owed an answer.
    mutating func closeInput() -> Bool {
        inputIsClosed = true
        return !isAnswering
    }

    /// The server stops. True when the connection can be closed now.
    mutating func shutDown() -> Bool {
        isShuttingDown = true
        return isIdle
    }

    mutating func end() { phase = .ending }

    // MARK: time-outs

    /// The first bytes of a head have come, maybe behind requests that wait for their turn. The time for the first head
    /// runs since the connection has begun.
    mutating func headBegan() {
        headIsOpen = true
        if isIdle, !isNew { waitStart = nil }
    }

    /// A head has come to its end, maybe behind requests that wait for their turn.
    mutating func headEnded() { headIsOpen = false }

    /// Whether the client is waited for, and since when is not said yet.
    var isToWait: Bool {
        guard waitStart == nil else { return false }
        switch phase {
        case .idle, .collecting: return true
        case .answering, .ending: return false
        }
    }

    /// From now on the client is waited for. What it sent while it was answered costs it no time: it was not read.
    mutating func startWait(at now: NIODeadline) { waitStart = now }

    /// When the client must have sent what it is waited for, whole; nil when it may take any time.
    var deadline: NIODeadline? {
        guard let waitStart, let time = allowedTime else { return nil }
        return waitStart + time
    }

    private var allowedTime: TimeAmount? {
        switch phase {
        case .idle where headIsOpen: limits.headerTimeout
        case .idle where isNew: limits.headerTimeout ?? limits.idleTimeout
        case .idle: limits.idleTimeout
        case .collecting: limits.bodyTimeout
        case .answering, .ending: nil
        }
    }

    /// Time has passed. A client that still takes the answer before (`isTaking`) is not idle, and what it sends is maybe
    /// not read.
    mutating func timePassed(at now: NIODeadline, isTaking: Bool) -> Action {
        guard let deadline, deadline <= now else { return .none }
        guard isIdle else { return fail(.bodyTimeout) }
        guard !isTaking else {
            waitStart = now
            return .none
        }
        guard !headIsOpen else { return fail(.headTimeout) }
        phase = .ending
        return .close
    }

    private func keepsAlive(_ head: HTTPRequest) -> Bool {
        let options = head.headerFields[values: .connection].flatMap { $0.split(separator: ",") }
            .map { $0.filter { $0 != " " }.lowercased() }
        return !options.contains("close")
    }
}
