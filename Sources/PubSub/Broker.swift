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

/// Takes publications, numbers them, keeps some, and brings each to every node.
///
/// Every broker keeps this contract, which the tests run against each:
///
/// - Publications get one rising sequence over all channels of the publisher, and each knows its channel's previous one.
/// - Publishing delivers nothing by itself: `receive` is called for every publication of a channel that is subscribed to,
///   on every node that is, the publisher's own among them; once, in the order of the sequence.
/// - Two publications by one caller get their numbers in the order of the calls.
/// - `replay` answers for one moment: what it gives and what `receive` gives after that moment are together everything
///   after the resume point, without loss or doubling.
/// - What is kept is bounded by `rules`. What cannot be given any more is a gap, never left out silently; an id that is of
///   another epoch, of the future or of no kind at all is a gap in every channel.
///
/// A broker and its callers live on one event loop.
public protocol Broker: AnyObject {
    /// Called for each publication.
    var receive: (Publication) -> Void { get set }
    var rules: HistoryRules { get set }
    func publish(_ event: OutgoingEvent, to channel: ChannelName) -> PublicationID
    func subscribe(_ channel: ChannelName)
    func unsubscribe(_ channel: ChannelName)
    func replay(_ channel: ChannelName, from point: ResumePoint) -> Replay
    /// The newest `count` of one channel.
    func history(of channel: ChannelName, newest count: Int) -> [Publication]
    /// Whether no channel is known: `expire` has nothing to do.
    var isEmpty: Bool { get }
    /// Drops what has grown too old.
    func expire()
}
