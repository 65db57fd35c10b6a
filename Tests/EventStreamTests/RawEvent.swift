import EventStream
import NIOCore

/// An event whose fields are bytes, as scripts give them.
struct RawEvent: Sendable {
    var id: [UInt8]?
    var type: [UInt8] = []
    var data: [UInt8]
    var retry: Int?

    init(id: [UInt8]? = nil, type: [UInt8] = [], data: [UInt8], retry: Int? = nil) {
        self.id = id
        self.type = type
        self.data = data
        self.retry = retry
    }

    init(id: String? = nil, type: String = "", data: String, retry: Int? = nil) {
        self.init(id: id.map { Array($0.utf8) }, type: Array(type.utf8), data: Array(data.utf8), retry: retry)
    }

    func write(to buffer: inout ByteBuffer) throws {
        try (id ?? []).withUnsafeBytes { idBytes in
            try type.withUnsafeBytes { type in
                try data.withUnsafeBytes { data in
                    try EventEncoder.write(
                        id: id == nil ? nil : idBytes, type: type, data: data, retry: retry, to: &buffer)
                }
            }
        }
    }

    var wire: [UInt8] {
        get throws {
            var buffer = ByteBuffer()
            try write(to: &buffer)
            return Array(buffer.readableBytesView)
        }
    }

    /// The data as a client gets it: CRLF, CR and LF become LF, and what is not UTF-8 becomes U+FFFD.
    var normalisedData: [UInt8] {
        var lines: [UInt8] = []
        for (index, byte) in data.enumerated() {
            switch byte {
            case 0x0D: lines.append(0x0A)
            case 0x0A where index > 0 && data[index - 1] == 0x0D: break
            default: lines.append(byte)
            }
        }
        return normalised(lines)
    }
}

/// Bytes as UTF-8: what is not becomes U+FFFD.
func normalised(_ bytes: [UInt8]) -> [UInt8] { Array(String(decoding: bytes, as: UTF8.self).utf8) }

func comment(_ text: [UInt8], to buffer: inout ByteBuffer) {
    text.withUnsafeBytes { EventEncoder.writeComment($0, to: &buffer) }
}
