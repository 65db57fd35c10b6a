public import NIOCore

/// How much a channel keeps for those who come back.
public struct HistoryRule: Sendable, Equatable {
    /// Publications at most; 0 keeps none.
    public var count: Int
    /// How old a publication may be.
    public var maxAge: TimeAmount

    /// 100 publications of the last hour.
    public init(count: Int = 100, maxAge: TimeAmount = .hours(1)) {
        self.count = count
        self.maxAge = maxAge
    }
}

/// Rules by name patterns; the first that matches counts.
public struct HistoryRules: Sendable {
    private var rules: [(pattern: [UInt8], rule: HistoryRule)] = []

    public init() {}

    /// Adds a rule behind the others, or replaces the one of the same pattern. `*` in a pattern is any run of bytes.
    public mutating func set(_ pattern: [UInt8], _ rule: HistoryRule) {
        if let index = rules.firstIndex(where: { $0.pattern == pattern }) {
            rules[index].rule = rule
        } else {
            rules.append((pattern, rule))
        }
    }

    public func rule(for channel: ChannelName) -> HistoryRule {
        rules.first { Self.matches(channel.bytes, $0.pattern) }?.rule ?? HistoryRule()
    }

    /// Whether a name fits a pattern, in time that grows with the product of their lengths at most.
    public static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        let star = UInt8(ascii: "*")
        var (at, of) = (0, 0)
        var retry: (name: Int, pattern: Int)?
        while at < name.count {
            if of < pattern.count, pattern[of] == star {
                retry = (at, of)
                of += 1
            } else if of < pattern.count, pattern[of] == name[at] {
                at += 1
                of += 1
            } else if let last = retry {
                retry = (last.name + 1, last.pattern)
                at = last.name + 1
                of = last.pattern + 1
            } else {
                return false
            }
        }
        return pattern[of...].allSatisfy { $0 == star }
    }
}
