#if os(Linux)
    import EventStream
    import NIOCore

    /// One stream of a socket loop.
    struct SocketSlot {
        enum Phase {
            case free
            /// Its socket is still with the HTTP server; what is sent to it waits.
            case expected
            case open
            /// Our side is shut down; what the client still sends is dropped.
            case lingering
        }

        var phase = Phase.free
        var descriptor: Int32 = -1
        /// Counts the streams that the slot has had, so that an event of an old one is known.
        var generation: UInt32 = 0
        var id: StreamID = 0
        var ledger: StreamLedger?
        var state: StreamState?
        var timer: TimingWheel<Int>.Token?
        var memberships = Memberships()
        /// What the kernel did not take; nil while it takes everything.
        var queue: StreamQueue?
        /// What it is to get in this turn: a chain in `SocketTable.turn`; -1 for none.
        var firstOfTurn: Int32 = -1
        var lastOfTurn: Int32 = -1
        var isLagging = false
    }

    /// The members of one channel on one loop. Places of those who leave stay empty while a fan-out runs.
    struct SocketGroup {
        static let empty: Int32 = -1
        /// Slots of streams that are in no other group.
        var members: [Int32] = []
        /// Slots of streams that are in several: they get each publication in turn, in the order of all groups.
        var shared: [Int32] = []
        var emptyPlaces = 0
        var count = 0
        /// Published in this turn and not given to `members` yet.
        var frames: [StreamFrame] = []
    }
#endif
