public import Delivery
public import EventStream

/// What a node has done since it started, read at one moment.
public struct Statistics: Sendable {
    public struct Streams: Sendable {
        public var opened = 0
        public var closed: [CloseReason: Int] = [:]
        /// Bytes that wait for clients in this process.
        public var bufferedBytes = 0

        public var open: Int { opened - closed.values.reduce(0, +) }
    }

    public struct Scripts: Sendable {
        public struct Time: Sendable {
            public var calls = 0
            /// Nanoseconds on the clock, waits left out.
            public var nanoseconds = 0
        }

        /// By the number of their kind.
        public var times = [Time](repeating: Time(), count: CallbackKind.allCases.count)
        public var errors = 0
        /// Bytes in use by Lua values.
        public var memory = 0
    }

    public var streams = Streams()
    /// Events published to channels, whoever is in them.
    public var published = 0
    public var delivery = DeliveryTally()
    public var requests = RequestTimes.Snapshot()
    public var scripts = Scripts()
}

/// What an entrance into the scripts is for.
public enum CallbackKind: Int, CaseIterable, Sendable {
    /// A script's own code, and `_ready`.
    case load
    case handler
    case signal
    /// Callbacks of `Timer` and `Engine.create_timer`.
    case timer
    /// `_process` and `_exit_tree`.
    case node
    /// `spawn`.
    case task

    public var name: String { String(describing: self) }
}
