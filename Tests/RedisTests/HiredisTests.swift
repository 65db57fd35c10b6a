import CHiredis
import NIOCore
import Redis
import TestKit
import Testing

/// Our parser against the one of Redis' own client library, piece by piece: both accept with the same value, both
/// refuse, or both want more.
///
/// Where ours refuses alone, and why:
/// - `bareLineEnd`: hiredis takes a lone CR or LF for a part of the line. Redis never sends one.
/// - `bulkWithoutEnd`: hiredis skips two bytes behind a bulk string, whatever they are.
/// - `bulkTooLong`, `tooManyElements`, `lineTooLong`: hiredis has no such limits, or higher ones.
@Suite(.timeLimit(.minutes(5))) struct HiredisTests {
    /// What a reader makes of the bytes so far.
    private enum Result: Equatable {
        case value(RESPValue)
        case wantsMore
        case refuses
    }

    private final class Hiredis {
        private let reader = redisReaderCreate()!
        deinit { redisReaderFree(reader) }

        func append(_ bytes: ArraySlice<UInt8>) {
            _ = bytes.withUnsafeBytes {
                redisReaderFeed(reader, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
            }
        }

        func next() -> Result {
            var reply: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &reply) == REDIS_OK else { return .refuses }
            guard let reply else { return .wantsMore }
            defer { freeReplyObject(reply) }
            return .value(Self.value(reply.assumingMemoryBound(to: redisReply.self).pointee))
        }

        private static func value(_ reply: redisReply) -> RESPValue {
            func bytes() -> ByteBuffer {
                ByteBuffer(bytes: UnsafeRawBufferPointer(start: reply.str, count: Int(reply.len)))
            }
            switch reply.type {
            case REDIS_REPLY_STATUS: return .simpleString(bytes())
            case REDIS_REPLY_ERROR: return .error(RESPError(String(buffer: bytes())))
            case REDIS_REPLY_INTEGER: return .integer(reply.integer)
            case REDIS_REPLY_STRING: return .bulkString(bytes())
            case REDIS_REPLY_NIL: return .null
            default: return .array((0..<Int(reply.elements)).map { value(reply.element[$0]!.pointee) })
            }
        }
    }

    private static let limits = {
        var limits = RESPParser.Limits()
        limits.elements = 10_000
        return limits
    }()

    private static func isOursAlone(_ violation: RESPViolation) -> Bool {
        switch violation {
        case .bareLineEnd, .bulkWithoutEnd, .bulkTooLong, .tooManyElements, .lineTooLong: true
        default: false
        }
    }

    /// Returns how many values both gave, and whether they went on to the end.
    private func compare(_ pieces: [ArraySlice<UInt8>]) -> (values: Int, refused: Bool) {
        var parser = RESPParser(limits: Self.limits)
        let hiredis = Hiredis()
        var values = 0
        for piece in pieces {
            parser.append(ByteBuffer(bytes: piece))
            hiredis.append(piece)
            while true {
                let ours: Result
                do {
                    ours = try parser.next().map { .value($0) } ?? .wantsMore
                } catch {
                    if Self.isOursAlone(error) { return (values, true) }
                    ours = .refuses
                }
                let theirs = hiredis.next()
                #expect(ours == theirs, "\(pieces.map { String(decoding: $0, as: UTF8.self).debugDescription })")
                guard ours == theirs, case .value = ours else {
                    if ours == .wantsMore && theirs == .wantsMore { break }
                    return (values, true)
                }
                values += 1
            }
        }
        return (values, false)
    }

    @Test(arguments: 0..<100) func `both read what a Redis may send`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let values = (0..<50).map { _ in random.value() }
        let (count, refused) = compare(random.cut(values.flatMap { RESPText.bytes(of: $0) }))
        #expect(count == values.count && !refused)
    }

    @Test func `both make the same of bytes that are nearly RESP`() {
        var (read, refused, unfinished) = (0, 0, 0)
        for seed in 0..<20_000 as Range<UInt64> {
            var random = SplitMix64(seed: ~seed)
            var bytes = (0..<Int.random(in: 1...4, using: &random)).flatMap { _ in RESPText.bytes(of: random.small()) }
            for _ in 0..<Int.random(in: 1...3, using: &random) { random.mutate(&bytes) }
            let result = compare(random.cut(bytes))
            read += result.values
            if result.refused { refused += 1 } else { unfinished += 1 }
        }
        // Otherwise the mutations are too coarse, or too fine, to say anything.
        #expect(read > 5000)
        #expect(refused > 2000)
        #expect(unfinished > 2000)
    }

    @Test func `both refuse the same depth`() {
        for depth in 0...12 {
            let text = String(repeating: "*1\r\n", count: depth) + ":1\r\n"
            let (values, refused) = compare([ArraySlice(text.utf8)])
            #expect(refused == (depth > 8))
            #expect(values == (depth > 8 ? 0 : 1))
        }
    }
}

extension SplitMix64 {
    /// A value whose bytes are mostly structure, so that a mutation hits it.
    fileprivate mutating func small(depth: Int = 0) -> RESPValue {
        switch Int.random(in: 0...6, using: &self) {
        case 0: .simple("OK")
        case 1: .error(RESPError("ERR x"))
        case 2: .integer(Int64.random(in: -120...120, using: &self))
        case 3: .null
        case 4: .bulk(String(repeating: "a", count: Int.random(in: 0...12, using: &self)))
        default:
            depth > 8 ? .null : .array((0..<Int.random(in: 0...3, using: &self)).map { _ in small(depth: depth + 1) })
        }
    }

    fileprivate mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &self)
        let piece = [
            "+", "-", ":", "$", "*", "\r", "\n", "\r\n", "0", "1", "9", "-1", "*1\r\n", "*0\r\n", "$0\r\n", "$1\r\n",
            "a",
            "\u{0}", "99999999999999999999", "9223372036854775807",
        ].randomElement(using: &self)!
        switch Int.random(in: 0...4, using: &self) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(contentsOf: piece.utf8, at: place)
        case 2: bytes.replaceSubrange(place...place, with: piece.utf8)
        case 3: bytes[place] = UInt8.random(in: 0...255, using: &self)
        default: bytes.removeSubrange(place...)
        }
    }
}
