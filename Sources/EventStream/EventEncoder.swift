public import NIOCore

/// Turns events into the bytes of `text/event-stream` (WHATWG HTML, "Server-sent events", "Parsing an event stream").
///
/// LF line ends only. A client parses what was given, after newline and UTF-8 normalisation, for every input: no
/// payload can forge a field or end the event early. Invalid UTF-8 becomes U+FFFD.
public enum EventEncoder {
    /// The heartbeat: an empty comment.
    public static let heartbeat = ByteBuffer(string: ":\n")

    /// Appends one event. Fields are bytes that should be UTF-8.
    /// - Parameters:
    ///   - id: nil writes no `id:` line; empty resets the client's last event id.
    ///   - type: empty writes no `event:` line.
    ///   - data: each line becomes a `data:` line; an empty one gives `data:`.
    ///   - retry: milliseconds; negative counts as 0.
    /// - Throws: `EventFieldError` when `id` or `type` holds CR, LF or NUL; nothing is appended then.
    public static func write(
        id: UnsafeRawBufferPointer? = nil,
        type: UnsafeRawBufferPointer,
        data: UnsafeRawBufferPointer,
        retry: Int? = nil,
        to buffer: inout ByteBuffer
    ) throws(EventFieldError) {
        if let id, !isFieldValue(id) { throw EventFieldError(field: .id) }
        guard isFieldValue(type) else { throw EventFieldError(field: .event) }
        buffer.reserveCapacity(minimumWritableBytes: (id?.count ?? 0) + type.count + data.count + 32)
        if let id { writeLine("id:", id, to: &buffer) }
        if !type.isEmpty { writeLine("event:", type, to: &buffer) }
        if let retry { writeRetry(retry, to: &buffer) }
        writeLines("data:", data, to: &buffer)
        buffer.writeInteger(newline)
    }

    /// Appends one event.
    /// - Throws: `EventFieldError` when `id` or `type` holds CR, LF or NUL; nothing is appended then.
    public static func write(_ event: StreamEvent, to buffer: inout ByteBuffer) throws(EventFieldError) {
        let id = event.id.map { Array($0.utf8) }
        let type = Array(event.type.utf8)
        let data = Array(event.data.utf8)
        let failure: EventFieldError? = (id ?? []).withUnsafeBytes { idBytes in
            type.withUnsafeBytes { type in
                data.withUnsafeBytes { data in
                    do throws(EventFieldError) {
                        try write(
                            id: id == nil ? nil : idBytes, type: type, data: data, retry: event.retry, to: &buffer)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
        }
        if let failure { throw failure }
    }

    /// Appends `retry: n`, without the blank line after which some clients would dispatch an empty event.
    public static func writeRetry(_ milliseconds: Int, to buffer: inout ByteBuffer) {
        buffer.writeString("retry: \(max(0, milliseconds))\n")
    }

    /// Appends a comment, a line per line of the text, without a blank line after it.
    public static func writeComment(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        writeLines(":", text, to: &buffer)
    }

    // MARK: lines

    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// Whether bytes may stand in an `id:` or `event:` line: no CR, LF or NUL.
    public static func isFieldValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        !bytes.contains { $0 == newline || $0 == carriageReturn || $0 == 0 }
    }

    private static func writeLines(_ name: StaticString, _ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        var start = text.startIndex
        while let end = text[start...].firstIndex(where: { $0 == newline || $0 == carriageReturn }) {
            writeLine(name, UnsafeRawBufferPointer(rebasing: text[start..<end]), to: &buffer)
            start = end + 1
            if text[end] == carriageReturn, start < text.endIndex, text[start] == newline { start += 1 }
        }
        writeLine(name, UnsafeRawBufferPointer(rebasing: text[start...]), to: &buffer)
    }

    private static func writeLine(_ name: StaticString, _ value: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(name)
        if !value.isEmpty {
            buffer.writeInteger(UInt8(ascii: " "))
            writeText(value, to: &buffer)
        }
        buffer.writeInteger(newline)
    }

    private static func writeText(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        if text.allSatisfy({ $0 < 0x80 }) {
            buffer.writeBytes(text)
        } else {
            buffer.writeString(String(decoding: text, as: UTF8.self))  // repairs as WHATWG Encoding does
        }
    }
}
