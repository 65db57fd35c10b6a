public import NIOCore

/// One command, encoded as it is built: an array of bulk strings.
public struct RedisCommand: Sendable {
    /// The number of strings, the name among them.
    public private(set) var count = 0
    /// Every string, encoded; the array's head is written last, because only then their number is known.
    private var strings = ByteBuffer()

    public init(_ name: String) { append(name) }

    public init(_ name: String, _ arguments: String...) {
        append(name)
        for argument in arguments { append(argument) }
    }

    public mutating func append(_ text: String) {
        begin(text.utf8.count)
        strings.writeString(text)
        end()
    }

    public mutating func append(_ bytes: [UInt8]) {
        begin(bytes.count)
        strings.writeBytes(bytes)
        end()
    }

    public mutating func append(_ buffer: ByteBuffer) {
        begin(buffer.readableBytes)
        strings.writeImmutableBuffer(buffer)
        end()
    }

    public mutating func append(_ number: some BinaryInteger) { append(String(number)) }

    private mutating func begin(_ length: Int) {
        strings.writeInteger(UInt8(ascii: "$"))
        strings.writeString(String(length))
        strings.writeStaticString("\r\n")
    }

    private mutating func end() {
        strings.writeStaticString("\r\n")
        count += 1
    }

    /// Appends the command's bytes.
    func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "*"))
        buffer.writeString(String(count))
        buffer.writeStaticString("\r\n")
        buffer.writeImmutableBuffer(strings)
    }
}
