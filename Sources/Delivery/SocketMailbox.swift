#if os(Linux)
    import EventStream
    import NIOCore

    /// What a socket loop is asked to do, until somebody takes it.
    struct SocketMailbox {
        enum Attendance {
            /// The thread waits for its sockets.
            case nobody
            /// The thread is at work, or was woken: it looks here before it waits.
            case thread
            /// A helper is at work.
            case helper
        }

        /// What whoever has put a command in must do.
        enum Call { case none, help, soon, now }

        /// As many writes take about as long as to wake the thread.
        private static let little = 4

        private var commands: [SocketLoop.Command] = []
        /// The writes that they ask for, about.
        private var writes = 0
        var attendance = Attendance.thread
        /// Whether the thread will be woken soon, for what is in no hurry.
        private var willWake = false
        /// Streams whose socket has not come, and how much was published when they were announced; -1 as soon as something
        /// waits that the client is to get.
        private var expected: [StreamID: Int] = [:]
        private var publications = 0
        private(set) var hasEnded = false
        /// A helper has helped, in a turn of its loop that is not over: what follows is put together by the thread.
        var hasHelped = false

        mutating func append(_ command: SocketLoop.Command, canHelp: Bool) -> Call {
            commands.append(command)
            let wish = wish(command)
            writes += Self.writes(command)
            switch attendance {
            case .thread: return .none
            case .helper:
                guard writes > Self.little else { return .none }
                attendance = .thread
                return .now
            case .nobody:
                switch wish {
                case .now where canHelp && !hasHelped && writes <= Self.little:
                    attendance = .helper
                    hasHelped = true
                    return .help
                case .now, .help: attendance = .thread
                case .soon where willWake: return .none
                case .soon: willWake = true
                case .none: break
                }
                return wish
            }
        }

        /// When a command must be seen. To wake the thread costs more than the command itself.
        private mutating func wish(_ command: SocketLoop.Command) -> Call {
            switch command {
            case .expect(let stream, _, _, _):
                expected[stream] = publications
                return .none
            case .send(_, let stream):
                return wait(for: stream, withBytes: true)
            case .join(let stream, _, let replay):
                return wait(for: stream, withBytes: !replay.isEmpty)
            case .adopt(let stream, _, let hasFinished):
                let isQuiet = expected.removeValue(forKey: stream) == publications
                return isQuiet && !hasFinished ? .soon : .now
            case .neverOpened(let stream):
                expected[stream] = nil
                return .now
            case .close(let stream, _):
                return wait(for: stream, withBytes: true)
            case .publish, .broadcast:
                publications += 1
                return .now
            default: return .now
            }
        }

        /// What is for a stream whose socket has not come can wait for that.
        private mutating func wait(for stream: StreamID, withBytes: Bool) -> Call {
            guard expected[stream] != nil else { return .now }
            if withBytes { expected[stream] = -1 }
            return .none
        }

        private static func writes(_ command: SocketLoop.Command) -> Int {
            switch command {
            case .expect, .leave: 0
            case .join(_, _, let replay): (replay.count + 7) / 8
            case .adopt, .neverOpened, .send, .noteDropped, .close, .overflow: 1
            case .publish(_, _, let members): members
            case .broadcast, .closeAll, .abortAll, .timersAreDue, .whenEmpty, .end: little + 1
            }
        }

        /// Gives what is there to one that has done all it had; false when there is nothing. Nothing is for a helper in whose
        /// place the thread was called.
        mutating func give(to work: inout SocketWork, of worker: Attendance) -> Bool {
            guard attendance == worker, !commands.isEmpty else { return false }
            work.take(&commands)
            writes = 0
            return true
        }

        /// The thread goes to wait for its sockets, unless something is there: then it is given that, and must stay.
        mutating func mayLeave(_ work: inout SocketWork) -> Bool {
            if give(to: &work, of: .thread) { return false }
            attendance = .nobody
            return true
        }

        /// True when the thread must be woken: the helper has not done everything, or could not begin.
        mutating func helperLeaves(isDone: Bool) -> Bool {
            guard attendance == .helper else { return false }
            attendance = isDone && commands.isEmpty ? .nobody : .thread
            return attendance == .thread
        }

        /// What was in no hurry is due. True when the thread must be woken for it.
        mutating func soonIsNow() -> Bool {
            willWake = false
            guard attendance == .nobody, !commands.isEmpty else { return false }
            attendance = .thread
            return true
        }

        /// The loop ends; gives what nobody will do.
        mutating func end() -> [SocketLoop.Command] {
            hasEnded = true
            defer { commands = [] }
            return commands
        }
    }
#endif
