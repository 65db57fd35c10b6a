#if os(Linux)
    /// Where a stream stands in a group.
    struct Membership {
        let group: GroupID
        var position: Int32
        /// Whether it stands among those that are in several groups.
        var isShared: Bool
    }

    /// The groups of one stream. Most streams are in one, and need no memory besides for it.
    struct Memberships: RandomAccessCollection, MutableCollection {
        private var first: Membership?
        private var others: [Membership] = []

        var startIndex: Int { 0 }
        var endIndex: Int { first == nil ? 0 : others.count + 1 }

        subscript(index: Int) -> Membership {
            get { index == 0 ? first! : others[index - 1] }
            set { if index == 0 { first = newValue } else { others[index - 1] = newValue } }
        }

        mutating func append(_ membership: Membership) {
            if first == nil { first = membership } else { others.append(membership) }
        }

        mutating func remove(at index: Int) -> Membership {
            guard index == 0 else { return others.remove(at: index - 1) }
            defer { first = others.isEmpty ? nil : others.removeFirst() }
            return first!
        }
    }
#endif
