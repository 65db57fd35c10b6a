import EventStream
import Lua
import NIOCore
import PubSub

/// Events as scripts state them: strings, or values that are sent as JSON.
struct EventArguments {
    let call: LuaCall
    let json: JSONMarkers
    /// Gives an event that states no id one.
    private var numbering: Numbering?

    init(call: LuaCall, json: JSONMarkers) {
        self.call = call
        self.json = json
    }

    func numbered(_ numbering: Numbering?) -> EventArguments {
        var arguments = self
        arguments.numbering = numbering
        return arguments
    }

    final class Numbering {
        let number: Int
        private(set) var isTaken = false

        init(_ number: Int) { self.number = number }

        func take() -> Int {
            isTaken = true
            return number
        }
    }

    /// Why an event cannot be sent.
    enum Failure: Error {
        /// A fault of the script's: raised.
        case misuse(LuaError)
        /// CR, LF or NUL in a field: an error number, or false.
        case invalidField
    }

    /// The event with the data at argument `data`, the type at `type` and the id at `id`; nil for none.
    func frame(data: Int, type: Int? = nil, id: Int? = nil, keepsEmptyID: Bool = false) throws(Failure) -> ByteBuffer {
        let type = try misuse { () throws(LuaError) in
            try type.map { (i) throws(LuaError) in try call.bytes(i, "event") }
        }
        var id = try misuse { () throws(LuaError) in
            try id.flatMap { (i) throws(LuaError) in call.isMissing(i) ? nil : try call.bytes(i, "event_id") }
        }
        if id?.isEmpty == true, !keepsEmptyID { id = nil }
        return try encode(id: id, type: type, dataIndex: call.index(data), name: "argument \(data) (data)", retry: nil)
    }

    /// The event that the table at an argument states: `{id=, type=, data=, retry=, key=}`. Only `retry` makes a
    /// `retry:` line alone.
    func frame(table argument: Int) throws(Failure) -> StreamFrame {
        try read(table: argument, writesID: true).frame
    }

    /// The same for a publisher, which writes the id itself.
    func outgoing(table argument: Int) throws(Failure) -> OutgoingEvent {
        let (frame, id) = try read(table: argument, writesID: false)
        guard frame.isEvent else { throw .misuse(.message("an event to publish needs data, a type or an id")) }
        return OutgoingEvent(id: id, key: frame.key, body: frame.bytes)
    }

    private func read(table argument: Int, writesID: Bool) throws(Failure) -> (frame: StreamFrame, id: String?) {
        let stack = call.stack
        let table = call.index(argument)
        try misuse { () throws(LuaError) in
            try stack.forEachPair(of: table) { () throws(LuaError) in
                let name = stack.description(at: -2)
                guard ["id", "type", "data", "retry", "key", "tags"].contains(name) else {
                    throw .message("unknown field '\(name)' of the event (known: id, type, data, retry, key, tags)")
                }
            }
        }
        // Each stays on the stack while its bytes are in use.
        func field(_ name: String) throws(LuaError) -> UnsafeRawBufferPointer? {
            stack.pushField(name, of: table)
            if stack.isNil(at: -1) { return nil }
            guard let bytes = stack.bytes(at: -1) else {
                throw .message("field '\(name)' of the event must be a string, got \(stack.kind(at: -1))")
            }
            return bytes
        }
        let id = try misuse { () throws(LuaError) in try field("id") }
        let type = try misuse { () throws(LuaError) in try field("type") }
        let key = try misuse { () throws(LuaError) in try field("key").map { String(decoding: $0, as: UTF8.self) } }
        stack.pushField("retry", of: table)
        let retry = stack.integer(at: -1)
        if retry == nil, !stack.isNil(at: -1) {
            throw .misuse(.message("field 'retry' of the event must be an integer, got \(stack.kind(at: -1))"))
        }
        stack.pushField("data", of: table)
        if stack.isNil(at: -1), id == nil, type == nil, let retry {
            var frame = ByteBuffer()
            EventEncoder.writeRetry(retry, to: &frame)
            return (StreamFrame(frame, isEvent: false), nil)
        }
        if stack.isNil(at: -1) {
            stack.pop()
            stack.push("")
        }
        if let id, !EventEncoder.isFieldValue(id) { throw .invalidField }
        let frame = try encode(
            id: writesID ? id : nil, type: type, dataIndex: stack.count, name: "field 'data' of the event", retry: retry
        )
        return (StreamFrame(frame, key: key), id.map { String(decoding: $0, as: UTF8.self) })
    }

    private func encode(
        id: UnsafeRawBufferPointer?,
        type: UnsafeRawBufferPointer?,
        dataIndex: Int,
        name: String,
        retry: Int?
    ) throws(Failure) -> ByteBuffer {
        var id = id
        if id == nil, let numbering {
            call.stack.push(String(numbering.take()))  // stays on the stack while its bytes are in use
            id = call.stack.bytes(at: -1)
        }
        var frame = ByteBuffer()
        let type = type ?? UnsafeRawBufferPointer(start: nil, count: 0)
        do {
            if let bytes = call.stack.bytes(at: dataIndex) {
                try EventEncoder.write(id: id, type: type, data: bytes, retry: retry, to: &frame)
                return frame
            }
            switch call.stack.type(at: dataIndex) {
            case .table, .number, .boolean: break
            default:
                throw Failure.misuse(
                    .message(
                        "\(name) must be a string, or a table, number or boolean, got \(call.stack.kind(at: dataIndex))"
                    ))
            }
            let text = try misuse { () throws(LuaError) in
                var writer = JSONWriter(stack: call.stack, markers: json)
                try writer.write(dataIndex)
                return writer.buffer
            }
            try text.withUnsafeReadableBytes {
                try EventEncoder.write(id: id, type: type, data: $0, retry: retry, to: &frame)
            }
            return frame
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .invalidField
        }
    }

    private func misuse<Value>(_ body: () throws(LuaError) -> Value) throws(Failure) -> Value {
        do { return try body() } catch { throw .misuse(error) }
    }
}
