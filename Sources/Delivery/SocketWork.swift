#if os(Linux)
    import CSockets
    import NIOCore

    /// The streams of a socket loop, and what is to be done for them.
    struct SocketWork {
        let table: SocketTable
        /// What was taken from the mailbox.
        private var commands: [SocketLoop.Command] = []
        private var next = 0

        init(table: SocketTable) { self.table = table }

        /// Whether everything that was taken is done.
        var isDone: Bool { next == commands.count && !table.hasWork }

        /// Takes what is to be done next, and leaves an empty list. Only when everything is done.
        mutating func take(_ new: inout [SocketLoop.Command]) {
            precondition(commands.isEmpty)
            swap(&commands, &new)
        }

        /// Sees to what has happened to sockets, and to commands, with at most `SocketTable.slice` writes. Ends at a command
        /// that ends the loop.
        mutating func turn(_ events: ArraySlice<CSocketEvent>) -> EventLoopPromise<Void>? {
            table.beginTurn()
            for event in events where event.tag != SocketEvents.wakerTag { table.handle(event) }
            defer { table.endTurn() }
            var room = SocketTable.slice
            while next < commands.count, room > 0, !table.mustFanOut(before: commands[next]) {
                if case .end(let promise) = commands[next] { return promise }
                room -= table.perform(commands[next])
                next += 1
            }
            if next == commands.count {
                commands.removeAll(keepingCapacity: commands.capacity <= 4096)
                next = 0
            }
            return nil
        }
    }

    /// What a thread hears of its sockets.
    final class SocketEvents: @unchecked Sendable {
        /// Marks the descriptor that wakes the thread.
        static let wakerTag = UInt64.max
        private static let capacity = 512

        private let poll: Int32
        private var room = [CSocketEvent](repeating: CSocketEvent(), count: capacity)
        private(set) var found: ArraySlice<CSocketEvent> = []

        init(poll: Int32) { self.poll = poll }

        /// Waits until something happens.
        func wait() { find(blocks: true) }
        /// What has happened until now.
        func look() { find(blocks: false) }

        private func find(blocks: Bool) {
            found = []
            let count = csockets_wait(poll, &room, Int32(Self.capacity), blocks)
            found = room[0..<max(0, Int(count))]
        }
    }
#endif
