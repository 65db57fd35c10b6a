import Delivery
import EventStream
import Lua
import NIOCore
import PubSub

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

    /// What a stream needs until its handler has ended.
    final class Opening {
        let request: RequestObject
        var task: ScriptTask?
        /// What was sent before the head went out, in order.
        var held: [Held] = []
        /// Events that were dropped because they did not fit among those.
        var dropped = 0
        /// Why it ends as soon as it has opened.
        var closeOnOpen: CloseReason?

        init(_ request: RequestObject, task: ScriptTask?) {
            self.request = request
            self.task = task
        }
    }

    struct Held {
        let frame: StreamFrame
        /// The channel that it was published to.
        let channel: ChannelName?
    }

    // There is one of these for every open stream, and few have what is optional here.
    var path = ""
    var lastEventID = ""
    var handle: StreamHandle?
    /// Monotonic seconds.
    var openedAt = 0.0
    var phase = Phase.inactive
    var policy = SlowPolicy.disconnect
    var opening: Opening?
    /// Keeps the Lua value, once a script has hung something on it.
    var pin: LuaReference?
    /// What few scripts ask for.
    private var names: Names?

    /// A script may set it where there is no stream.
    var id: StreamID {
        get { handle?.id ?? names?.connectionID ?? 0 }
        set { makeNames().connectionID = newValue }
    }

    /// The id of the next event that it sends without one of its own, where it numbers them.
    var nextNumber: Int? {
        get { names?.nextNumber }
        set { makeNames().nextNumber = newValue }
    }

    private final class Names {
        var connectionID = 0
        var nextNumber: Int?
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
    func send(_ frame: StreamFrame, from channel: ChannelName? = nil) -> SendResult {
        guard isActive, let handle else { return .inactive }
        switch handle.admit(frame) {
        case .closed: return .inactive
        case .full:
            if case .opening = phase { refuseHeld(handle) } else { handle.refuse(policy) }
            return .full
        case .admitted:
            if case .opening = phase {
                opening?.held.append(Held(frame: frame, channel: channel))
            } else {
                handle.deliver(frame)
            }
            return .sent
        }
    }

    private func refuseHeld(_ handle: StreamHandle) {
        guard policy == .disconnect else {
            opening?.dropped += 1
            return
        }
        handle.ledger.close()
        opening?.closeOnOpen = .slow
    }

    /// Drops what it has held of a channel.
    func letGo(of channel: ChannelName) {
        opening?.held.removeAll { held in
            guard held.channel == channel else { return false }
            handle?.ledger.settle(held.frame.count)
            return true
        }
    }

    /// The stream is opened: what was held goes out behind the head.
    func release() {
        guard let handle, let opening else { return }
        if case .opening = phase { phase = .open }
        for held in opening.held { handle.deliver(held.frame) }
        for _ in 0..<opening.dropped { handle.refuse(policy) }
        opening.held = []
        guard let reason = opening.closeOnOpen else { return }
        if reason == .slow { handle.overflow() } else { handle.close(reason) }
    }

    /// Ends the stream after what is queued. False when it is not active.
    func close(_ reason: CloseReason) -> Bool {
        guard isActive, let handle else { return false }
        if case .opening = phase {
            handle.ledger.close()
            opening?.closeOnOpen = reason
        } else {
            handle.close(reason)
        }
        phase = .closing
        return true
    }
}
