import PubSub

/// One channel that this node is subscribed to: what Redis keeps of it, as far as this node has heard.
final class Mirror {
    enum Phase {
        /// Redis was asked to subscribe the connection, or there is none.
        case subscribing
        /// It has; what it keeps is still to be read, and what comes meanwhile waits.
        case reading
        case live
    }

    let name: ChannelName
    /// Subscriptions are counted: a publication that was made after one waits for it.
    let number: Int
    var phase = Phase.subscribing
    /// Nil until it was read once. It stays while the connection is gone: streams may join, and miss nothing by that.
    var history: ChannelHistory?
    /// The reading that it is part of, or was.
    var reading = 0
    /// Messages that came before it was read.
    var buffer: [PublicationPayload] = []
    /// How far Redis was when the channel was first asked for: who joined then gets what came after.
    var start: UInt64?
    /// Who waits until it is known that everything comes.
    var unheard: [Countdown] = []
    /// Who asks for its past, and waits until it was read.
    var waiting: [() -> Void] = []

    init(_ name: ChannelName, number: Int) {
        self.name = name
        self.number = number
    }
}
