import HTTPTypes
import NIOCore
import NIOHTTP1

/// The head of a response as bytes (RFC 9112, 4), with what hangs on the connection.
///
/// Written here rather than by NIO's encoder: a small answer is one buffer and one write, and no field is copied on the
/// way to it.
struct ResponseHead {
    let status: HTTPResponse.Status
    /// Without those that are added here.
    let fields: HTTPFields
    var contentLength: Int?
    /// Nil for a response that is not the last word (RFC 9110, 15.2).
    var date: String?
    /// Whether the connection ends with the response.
    var closes = false

    /// The tail of every response that ends its connection.
    private static let close = "Connection: close\r\n"
    private static let success = "HTTP/1.1 200 OK\r\n"

    /// The head, and room for as many bytes of a body behind it.
    func bytes(room: Int = 0) -> ByteBuffer {
        let statusLine = status == .ok ? Self.success : Self.statusLine(status)
        let length = contentLength.map { String($0) }
        var count = statusLine.utf8.count + 2
        for field in fields { count += field.name.rawName.utf8.count + field.value.utf8.count + 4 }
        count += (length?.utf8.count ?? 0) + (date?.utf8.count ?? 0) + 64

        var buffer = ByteBufferAllocator().buffer(capacity: count + room)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            var target = Target(memory)
            target.write(statusLine)
            for field in fields {
                target.write(field.name.rawName)
                target.write(": ")
                target.write(field.value)
                target.write("\r\n")
            }
            if let length {
                target.write("Content-Length: ")
                target.write(length)
                target.write("\r\n")
            }
            if let date {
                target.write("Date: ")
                target.write(date)
                target.write("\r\n")
            }
            if closes { target.write(Self.close) }
            target.write("\r\n")
            return target.count
        }
        return buffer
    }

    /// With the phrase that NIO has for the code, where it knows it.
    private static func statusLine(_ status: HTTPResponse.Status) -> String {
        let known = HTTPResponseStatus(statusCode: status.code, reasonPhrase: status.reasonPhrase)
        return "HTTP/1.1 \(known.code) \(known.reasonPhrase)\r\n"
    }

    /// Memory that has room for all that is written to it.
    private struct Target {
        private let memory: UnsafeMutableRawBufferPointer
        private(set) var count = 0

        init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

        mutating func write(_ text: String) {
            var text = text
            text.withUTF8 { bytes in
                guard let start = bytes.baseAddress, let target = memory.baseAddress else { return }
                precondition(bytes.count <= memory.count - count)
                (target + count).copyMemory(from: start, byteCount: bytes.count)
                count += bytes.count
            }
        }
    }
}
