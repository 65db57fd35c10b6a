import EventStream
import NIOCore
import Testing

@Suite struct CommentTests {
    @Test(arguments: [
        ("", ":\n"),
        ("hello", ": hello\n"),
        (" hello", ":  hello\n"),
        ("a\nb", ": a\n: b\n"),
        ("a\r\nb\rc", ": a\n: b\n: c\n"),
        ("a\n", ": a\n:\n"),
        ("\n\ndata: x\n\n", ":\n:\n: data: x\n:\n:\n"),
        ("a\0b", ": a\0b\n"),
        ("é", ": é\n"),
    ]) func `each line of a comment is a comment`(_ text: String, _ wire: String) {
        var buffer = ByteBuffer()
        comment(Array(text.utf8), to: &buffer)
        #expect(String(buffer: buffer) == wire)
    }

    @Test func `a comment that is not UTF-8 is repaired`() {
        var buffer = ByteBuffer()
        comment([0x61, 0xFF, 0x0A, 0xC3], to: &buffer)
        #expect(String(buffer: buffer) == ": a\u{FFFD}\n: \u{FFFD}\n")
    }

    @Test(arguments: [(0, "retry: 0\n"), (3000, "retry: 3000\n"), (-1, "retry: 0\n"), (Int.max, "retry: \(Int.max)\n")])
    func `a retry is one line without a blank one`(_ milliseconds: Int, _ wire: String) {
        var buffer = ByteBuffer()
        EventEncoder.writeRetry(milliseconds, to: &buffer)
        #expect(String(buffer: buffer) == wire)
    }

    @Test func `the heartbeat is an empty comment`() {
        #expect(String(buffer: EventEncoder.heartbeat) == ":\n")
    }
}
