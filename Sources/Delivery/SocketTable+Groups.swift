#if os(Linux)
    import CSockets
    import EventStream
    import NIOCore

    extension SocketTable {
        /// A walk over the groups that have frames to give.
        struct FanOut {
            var groups: ArraySlice<GroupID>
            var group: GroupID = 0
            /// The frames of the group under way, put together.
            var bytes: ByteBuffer
            var frames: [StreamFrame]
            var next: Int
            /// Whoever joins meanwhile stands behind it, and does not get what was published before.
            var end: Int
        }

        var hasWork: Bool { fanOut != nil || !dirty.isEmpty || !touched.isEmpty }

        func join(_ index: Int, _ group: GroupID) {
            guard !slots[index].memberships.contains(where: { $0.group == group }) else { return }
            let isShared = !slots[index].memberships.isEmpty
            if slots[index].memberships.count == 1, !slots[index].memberships[0].isShared { share(index) }
            groups[group, default: SocketGroup()].count += 1
            slots[index].memberships.append(place(index, group, isShared: isShared))
        }

        private func place(_ index: Int, _ group: GroupID, isShared: Bool) -> Membership {
            let position: Int
            if isShared {
                position = groups[group]!.shared.count
                groups[group]!.shared.append(Int32(index))
            } else {
                position = groups[group]!.members.count
                groups[group]!.members.append(Int32(index))
            }
            return Membership(group: group, position: Int32(position), isShared: isShared)
        }

        /// Moves a stream's only membership to those of streams in several groups.
        private func share(_ index: Int) {
            let old = slots[index].memberships[0]
            remove(old)
            slots[index].memberships[0] = place(index, old.group, isShared: true)
        }

        func leave(_ index: Int, _ group: GroupID) {
            guard let number = slots[index].memberships.firstIndex(where: { $0.group == group }) else { return }
            leave(slots[index].memberships.remove(at: number))
        }

        func leaveAll(_ index: Int) {
            for membership in slots[index].memberships { leave(membership) }
            slots[index].memberships = Memberships()
        }

        private func leave(_ membership: Membership) {
            remove(membership)
            groups[membership.group]!.count -= 1
            if groups[membership.group]!.count == 0, groups[membership.group]!.frames.isEmpty {
                groups[membership.group] = nil
            }
        }

        private func remove(_ membership: Membership) {
            let group = membership.group
            let position = Int(membership.position)
            if membership.isShared {
                // The last one takes the place.
                let last = groups[group]!.shared.removeLast()
                guard position < groups[group]!.shared.count else { return }
                groups[group]!.shared[position] = last
                move(last, in: group, to: position, isShared: true)
            } else {
                groups[group]!.members[position] = SocketGroup.empty
                groups[group]!.emptyPlaces += 1
                if fanOut == nil { compact(group) }
            }
        }

        /// Closes the gaps once they are half of the places. Not while a fan-out walks over them.
        private func compact(_ group: GroupID) {
            guard groups[group]!.emptyPlaces * 2 > groups[group]!.members.count else { return }
            groups[group]!.members.removeAll { $0 == SocketGroup.empty }
            groups[group]!.emptyPlaces = 0
            for (position, member) in groups[group]!.members.enumerated() {
                move(member, in: group, to: position, isShared: false)
            }
        }

        private func move(_ index: Int32, in group: GroupID, to position: Int, isShared: Bool) {
            let index = Int(index)
            guard
                let number = slots[index].memberships.firstIndex(where: {
                    $0.group == group && $0.isShared == isShared
                })
            else { return }
            slots[index].memberships[number].position = Int32(position)
        }

        // MARK: publishing

        func publish(_ frame: StreamFrame, _ group: GroupID) -> Int {
            guard let count = groups[group]?.count else { return 1 }
            for index in groups[group]!.shared where slots[Int(index)].state?.isOpen == true {
                add(frame, .offered, to: Int(index))
            }
            if groups[group]!.members.count > groups[group]!.emptyPlaces {
                if groups[group]!.frames.isEmpty { dirty.append(group) }
                groups[group]!.frames.append(frame)
            }
            return 1 + min(count, groups[group]!.shared.count)
        }

        /// Whether members must get what was published before this command is looked at, so that each stream gets
        /// everything in the order of the calls.
        func mustFanOut(before command: SocketLoop.Command) -> Bool {
            if fanOut != nil { return true }
            guard !dirty.isEmpty else { return false }
            if case .publish = command { return false }
            return true
        }

        /// Ends a turn: everything that is due goes out, or at least `slice` writes of it.
        func endTurn() {
            flushTurn()
            if fanOut == nil { startFanOut() }
            walk()
            guard tally != DeliveryTally() else { return }
            observer.delivered(tally)
            tally = DeliveryTally()
        }

        private func startFanOut() {
            guard !dirty.isEmpty else { return }
            fanOut = FanOut(groups: dirty[...], bytes: ByteBuffer(), frames: [], next: 0, end: 0)
            dirty = []
            nextGroup()
        }

        private func nextGroup() {
            guard let group = fanOut!.groups.popFirst() else {
                fanOut = nil
                return
            }
            guard let frames = groups[group]?.frames, let first = frames.first else { return nextGroup() }
            groups[group]!.frames = []
            fanOut!.frames = frames
            var bytes = first.bytes
            if frames.count > 1 {
                bytes.reserveCapacity(minimumWritableBytes: frames.dropFirst().reduce(0) { $0 + $1.count })
                for frame in frames.dropFirst() { bytes.writeImmutableBuffer(frame.bytes) }
            }
            fanOut!.bytes = bytes
            fanOut!.next = 0
            fanOut!.end = groups[group]!.members.count
            fanOut!.group = group
        }

        private func walk() {
            var room = Self.slice
            while room > 0, let walk = fanOut {
                let end = min(walk.end, walk.next + room)
                room -= max(1, end - walk.next)
                let members = groups[walk.group]?.members ?? []
                give(walk, to: members[min(walk.next, members.count)..<min(end, members.count)])
                fanOut!.next = end
                if end == walk.end { finishGroup() }
            }
        }

        private func finishGroup() {
            let group = fanOut!.group
            nextGroup()
            // Who was found gone by a write has left already, and a group that nobody is in is gone too.
            guard let count = groups[group]?.count else { return }
            if count == 0 { groups[group] = nil } else if fanOut == nil { compact(group) }
        }

        /// Writes to each member at once. Those that do not take everything are looked at afterwards, because that may
        /// change the table.
        private func give(_ walk: FanOut, to members: ArraySlice<Int32>) {
            var others: [(index: Int, sent: Int)] = []
            var tally = tally
            slots.withUnsafeMutableBufferPointer { slots in
                walk.bytes.withUnsafeReadableBytes { bytes in
                    for member in members where member != SocketGroup.empty {
                        let index = Int(member)
                        guard slots[index].queue == nil else {
                            others.append((index, 0))
                            continue
                        }
                        let sent = csockets_send(slots[index].descriptor, bytes.baseAddress!, bytes.count)
                        if sent == bytes.count {
                            slots[index].state!.wrote(isEvent: true, now: now)
                            slots[index].ledger!.count(events: walk.frames.count)
                            tally.wrote(sent, events: walk.frames.count)
                        } else {
                            others.append((index, sent))
                        }
                    }
                }
            }
            self.tally = tally
            for (index, sent) in others { finish(walk, index, sent) }
        }

        private func finish(_ walk: FanOut, _ index: Int, _ sent: Int) {
            guard sent >= 0 else { return failed(index) }
            guard let ledger = slots[index].ledger, slots[index].state!.isOpen else { return }
            slots[index].state!.wrote(isEvent: true, now: now)
            if sent == 0, slots[index].queue == nil { slots[index].queue = StreamQueue() }
            guard slots[index].queue == nil else {
                for frame in walk.frames { enqueue(frame, .offered, index, ledger) }
                return
            }
            ledger.count(events: walk.frames.count)
            tally.wrote(sent, events: walk.frames.count - 1)  // what waits is one frame now, and will count as one
            wait(StreamFrame(walk.bytes), from: sent, .offered, index, ledger)
        }
    }
#endif
