import Delivery
import EventStream
import Lua
import NIOCore

/// What scripts see as `SSEConnection`.
final class ConnectionObject {
    enum Phase {
        /// Never was a stream: made by `SSEConnection.new`, by HEAD, or for a refused origin.
        case inactive
        /// Its head has not gone out yet; what is sent is held.
        case opening
        case open
        /// A script closed it; what is queued still goes out.
        case closing
        case closed
    }

    var id = 0
    var path = ""
    var phase = Phase.inactive
    var handle: StreamHandle?
    /// What was sent before the head went out, in order.
    var held: [StreamFrame] = []
    /// Events that were dropped because they did not fit among those.
    var droppedWhileHeld = 0
    var policy = SlowPolicy.disconnect
    /// Why it ends as soon as it has opened.
    var closeOnOpen: CloseReason?
    var lastEventID = ""
    /// Until the handler has ended and `sse_connection_opened` has been told.
    var request: RequestObject?
    /// The handler's task, until it ends.
    var task: ScriptTask?
    /// Keeps the Lua value, once a script has hung something on it.
    var pin: LuaReference?
    /// Monotonic seconds.
    var openedAt = 0.0
    /// What few scripts ask for, so that the others do not pay for it.
    private var names: Names?

    private final class Names {
        let uuid = UUIDv4.make()
        var id: String?
    }

    private func makeNames() -> Names {
        if names == nil { names = Names() }
        return names!
    }

    /// Made when first asked for.
    var uuid: String { makeNames().uuid }

    /// Whether that is its uuid, which one that nobody has asked for is not.
    func hasUUID(_ uuid: String) -> Bool { names?.uuid == uuid }

    /// At first the `uuid`.
    var assignedID: String {
        get { makeNames().id ?? uuid }
        set { makeNames().id = newValue }
    }

    var isActive: Bool {
        switch phase {
        case .opening, .open: handle?.ledger.isOpen ?? false
        case .inactive, .closing, .closed: false
        }
    }

    enum SendResult { case sent, inactive, full }

    /// Queues a frame; holds it while the head has not gone out.
    func send(_ frame: StreamFrame) -> SendResult {
        guard isActive, let handle else { return .inactive }
        switch handle.admit(frame) {
        case .closed: return .inactive
        case .full:
            if case .opening = phase { refuseHeld(handle) } else { handle.refuse(policy) }
            return .full
        case .admitted:
            if case .opening = phase { held.append(frame) } else { handle.deliver(frame) }
            return .sent
        }
    }

    private func refuseHeld(_ handle: StreamHandle) {
        guard policy == .disconnect else {
            droppedWhileHeld += 1
            return
        }
        handle.ledger.close()
        closeOnOpen = .slow
    }

    /// Ends the stream after what is queued. False when it is not active.
    func close(_ reason: CloseReason) -> Bool {
        guard isActive, let handle else { return false }
        if case .opening = phase {
            handle.ledger.close()
            closeOnOpen = reason
        } else {
            handle.close(reason)
        }
        phase = .closing
        return true
    }
}
