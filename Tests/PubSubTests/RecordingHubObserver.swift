import Delivery
import EventStream
import NIOCore
import PubSub

/// Writes down what a hub tells its observer.
final class RecordingHubObserver: HubObserver {
    enum Call: Equatable {
        case occupied(String)
        case vacated(String)
        case subscribed(StreamID, String)
        case unsubscribed(StreamID, String)
        case published(String)
        case gap(StreamID, String)
        case hold(String, StreamID)
        case letGo(String, StreamID)
        case remove(Removal)
    }

    private var log: [Call] = []

    /// What was heard since this was last asked.
    func calls() -> [Call] {
        defer { log = [] }
        return log
    }

    private func text(_ name: ChannelName) -> String { String(decoding: name.bytes, as: UTF8.self) }

    func channelOccupied(_ channel: ChannelName) { log.append(.occupied(text(channel))) }
    func channelVacated(_ channel: ChannelName) { log.append(.vacated(text(channel))) }
    func subscribed(_ stream: StreamID, _ channel: ChannelName) { log.append(.subscribed(stream, text(channel))) }
    func unsubscribed(_ stream: StreamID, _ channel: ChannelName) { log.append(.unsubscribed(stream, text(channel))) }
    func published(_ publication: Publication) { log.append(.published(publication.id.description)) }
    func gap(_ stream: StreamID, _ channel: ChannelName) { log.append(.gap(stream, text(channel))) }
    func hold(_ frame: StreamFrame, of channel: ChannelName, for stream: StreamID) {
        log.append(.hold(String(buffer: frame.bytes), stream))
    }
    func letGo(of channel: ChannelName, for stream: StreamID) { log.append(.letGo(text(channel), stream)) }
    func remove(_ removal: Removal) -> Bool {
        log.append(.remove(removal))
        return true
    }
}
