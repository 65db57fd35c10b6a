/// From where a stream goes on.
public enum ResumePoint: Equatable, Sendable {
    /// It is new and wants nothing of the past.
    case now
    /// It comes back with this id, which may be anything.
    case after(String)
    /// It wants the newest so many of each channel.
    case newest(Int)
}

/// What a stream gets of one channel's past.
public struct Replay: Sendable {
    /// In the order of the sequence.
    public var publications: [Publication] = []
    /// Whether something is missing that the stream has not seen.
    public var hasGap = false
    /// The oldest publication that the channel keeps.
    public var oldest: PublicationID?

    public init() {}
}

/// Why a broker did not do what it was asked for.
public enum BrokerFailure: Error, Equatable, Sendable {
    /// Too much waits for the broker already: nothing was taken.
    case queueFull
    /// The broker has been out of reach for too long.
    case unreachable
    /// It waited for the broker until it was too old.
    case tooOld
    /// The broker has no room left.
    case outOfMemory
    /// Anything else that the broker said.
    case refused(String)
}

/// Takes publications, numbers them, keeps some, and brings each to every node.
///
/// Every broker keeps this contract, which the tests run against each:
///
/// - Publications get one rising sequence over all channels of the publisher, and each knows its channel's previous one.
/// - Publishing delivers nothing by itself: `BrokerNode.receive` is called for every publication of a channel that is
///   subscribed to, on every node that is, the publisher's own among them; once, in the order of the sequence.
/// - Two publications by one caller get their numbers in the order of the calls. None is made twice.
/// - `replay` answers for one moment, the one in which it calls back: what it gives and what `receive` gives after that
///   moment are together everything after the resume point, without loss or doubling.
/// - What is kept is bounded by `rules`. What cannot be given any more is a gap, never left out silently; an id that is of
///   another epoch, of the future or of no kind at all is a gap in every channel.
/// - What a node misses, because the broker was out of its reach, it gets later, before anything that is newer; what it
///   cannot get any more it is told of by `BrokerNode.missed`.
///
/// A broker and its callers live on one event loop. An answer comes at once or in a later turn of it, and once.
public protocol Broker: AnyObject {
    /// Held weakly.
    var node: (any BrokerNode)? { get set }
    var rules: HistoryRules { get set }

    /// Takes a publication, without waiting for anything. Returns why it did not; `done` is not called then.
    func publish(
        _ event: OutgoingEvent, to channel: ChannelName, done: ((Result<PublicationID, BrokerFailure>) -> Void)?
    ) -> BrokerFailure?

    func subscribe(_ channel: ChannelName)
    func unsubscribe(_ channel: ChannelName)
    /// Calls back when each of these subscribed channels brings what any node publishes from that moment on; or when
    /// nobody should wait for that any longer, because the broker is out of reach or slow.
    func whenSubscribed(_ channels: [ChannelName], _ body: @escaping () -> Void)
    func replay(_ channel: ChannelName, from point: ResumePoint, _ answer: @escaping (Replay) -> Void)
    /// The newest `count` of one channel.
    func history(
        of channel: ChannelName, newest count: Int, _ answer: @escaping (Result<[Publication], BrokerFailure>) -> Void)

    /// This node has so many members in a channel now. The broker tells one node of the cluster when the first comes and
    /// when the last has gone (`BrokerNode.occupied`, `vacated`).
    func membersChanged(of channel: ChannelName, from old: Int, to new: Int)
    /// The members of a channel on all nodes.
    /// - Parameter here: those of this node.
    func count(of channel: ChannelName, here: Int, _ answer: @escaping (Result<Int, BrokerFailure>) -> Void)
    /// Asks the other nodes to take a stream of theirs out of a channel, or out of all and close it. False when none of
    /// them has it.
    func remove(_ removal: Removal, _ answer: @escaping (Result<Bool, BrokerFailure>) -> Void)

    /// Whether nothing is kept here that can grow old: `expire` has nothing to do.
    var isEmpty: Bool { get }
    /// Drops what has grown too old.
    func expire()
}

/// A stream of another node that is to leave a channel.
public struct Removal: Equatable, Sendable {
    public var uuid: String
    public var channel: ChannelName
    /// Whether the stream is closed when it was its last channel.
    public var closes: Bool

    public init(uuid: String, channel: ChannelName, closes: Bool) {
        self.uuid = uuid
        self.channel = channel
        self.closes = closes
    }
}

/// What a broker tells the node that it serves.
public protocol BrokerNode: AnyObject {
    func receive(_ publication: Publication)
    /// The same of those that this node has missed until now, in order: there may be many.
    func catchUp(_ publications: [Publication])
    /// Publications of a channel that is subscribed to are lost to this node.
    func missed(_ channel: ChannelName, oldest: PublicationID?)
    /// The numbers begin anew: what comes from now on cannot be compared with what came before.
    func restarted()
    func occupied(_ channel: ChannelName)
    func vacated(_ channel: ChannelName)
    /// Takes a stream of this node out of a channel. False when it is not here, or not in it.
    func remove(_ removal: Removal) -> Bool
}
