import Delivery
import EventStream
import Lua
import NIOCore

/// The open streams of this node, as the script loop knows them.
final class StreamTable {
    private var streams: [Int: ConnectionObject] = [:]
    private var lastID = 0

    /// Ids start at 1 and rise.
    func newID() -> Int {
        lastID += 1
        return lastID
    }

    func add(_ connection: ConnectionObject) { streams[connection.id] = connection }
    func remove(_ id: Int) -> ConnectionObject? { streams.removeValue(forKey: id) }

    func stream(_ id: Int) -> ConnectionObject? { streams[id] }

    /// The open stream of a uuid that a script has asked for.
    func id(ofUUID uuid: String) -> Int? { streams.first { $0.value.isActive && $0.value.hasUUID(uuid) }?.key }

    /// The stream of an id that is open.
    func active(_ id: Int) -> ConnectionObject? {
        guard let connection = streams[id], connection.isActive else { return nil }
        return connection
    }

    var activeIDs: [Int] { streams.values.lazy.filter(\.isActive).map(\.id).sorted() }
    var activeCount: Int { streams.values.lazy.filter(\.isActive).count }
    /// Bytes that wait for clients.
    var bufferedBytes: Int { streams.values.reduce(0) { $0 + ($1.handle?.ledger.bufferedBytes ?? 0) } }
    /// Streams whose head has not gone out.
    var opening: [ConnectionObject] {
        streams.values.filter { if case .opening = $0.phase { $0.isActive } else { false } }
    }
}
