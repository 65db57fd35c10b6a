import NIOCore
import TestKit
import Testing

@testable import Redis

@Suite struct RedisCommandTests {
    private func bytes(_ command: RedisCommand) -> ByteBuffer {
        var buffer = ByteBuffer()
        command.write(to: &buffer)
        return buffer
    }

    @Test func `a command is an array of bulk strings`() {
        var command = RedisCommand("SET", "key", "")
        command.append([0, 13, 10])
        command.append(ByteBuffer(string: "é"))
        command.append(-7)
        #expect(command.count == 6)
        #expect(
            String(buffer: bytes(command))
                == "*6\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\n$3\r\n\0\r\n\r\n$2\r\né\r\n$2\r\n-7\r\n")
        #expect(String(buffer: bytes(RedisCommand("PING"))) == "*1\r\n$4\r\nPING\r\n")
    }

    @Test(arguments: 0..<50) func `a parser gives back what was appended`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var command = RedisCommand("X")
        var expected: [RESPValue] = [.bulk("X")]
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            command.append(bytes)
            expected.append(.bulkString(ByteBuffer(bytes: bytes)))
        }
        var parser = RESPParser()
        parser.append(bytes(command))
        #expect(try parser.next() == .array(expected))
        #expect(try parser.next() == nil)
    }
}
