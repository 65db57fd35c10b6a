import PubSub
import Testing

@Suite struct ChannelNameTests {
    @Test(arguments: [1, 2, 1023, 1024]) func `a name of 1 to 1024 bytes is taken`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(try ChannelName(bytes).bytes == bytes)
        #expect(try ChannelName(String(repeating: "x", count: count)).bytes.count == count)
    }

    @Test(arguments: [0, 1025, 100_000]) func `any other is refused, with its size`(count: Int) {
        #expect(throws: ChannelName.Invalid.self) { try ChannelName([UInt8](repeating: 7, count: count)) }
        do {
            _ = try ChannelName(String(repeating: "x", count: count))
            Issue.record("it was taken")
        } catch {
            #expect(error.count == count)
        }
    }

    @Test func `bytes are counted, not characters`() throws {
        let moons = String(repeating: "\u{1F319}", count: 256)
        #expect(try ChannelName(moons).bytes.count == 1024)
        #expect(throws: ChannelName.Invalid.self) { try ChannelName(moons + "x") }
    }

    @Test func `every byte may be in a name, and each makes another`() throws {
        let names = try (UInt8.min...UInt8.max).map { try ChannelName([$0]) }
        #expect(Set(names).count == 256)
    }

    /// Strings that Swift holds for equal, and names that it does not.
    @Test func `names are equal byte for byte`() throws {
        #expect(try ChannelName("\u{E9}") != ChannelName("e\u{301}"))
        #expect(try ChannelName("a") != ChannelName("A"))
        #expect(try ChannelName("a") != ChannelName("a\0"))
        #expect(try ChannelName("a") == ChannelName([97 as UInt8]))
    }
}
