import TestKit
import Testing

@testable import Scripting

/// What the log of requests shows of a target.
@Suite struct RequestLogTests {
    @Test(arguments: [
        ("/", "/"), ("/a?b=c", "/a?b=c"), ("/a?", "/a?"), ("/a?token=1", "/a?token=***"),
        ("/a?x=1&access_token=abc&y=2", "/a?x=1&access_token=***&y=2"), ("/a?TOKEN=1", "/a?TOKEN=***"),
        ("/a?%74oken=1", "/a?%74oken=***"), ("/a?api+key=1", "/a?api+key=***"), ("/a?password=a=b", "/a?password=***"),
        ("/a?client_secret=1&", "/a?client_secret=***&"), ("/a?sessionid=1", "/a?sessionid=***"),
        ("/a?Authorization=x", "/a?Authorization=***"), ("/a?key", "/a?key"), ("/a?key=", "/a?key=***"),
        ("/a?x=token", "/a?x=token"), ("/token=1", "/token=1"), ("/a?x=1?token=2", "/a?x=1?token=2"),
        ("/a\u{1B}[31m?b=\u{0}\n", "/a\\u{1b}[31m?b=\\u{0}\\u{a}"), ("/\u{9B}\u{2028}", "/\\u{9b}\\u{2028}"),
    ])
    func `it shows no value of a secret, and nothing that moves the terminal`(target: String, shown: String) {
        #expect(RequestLog.shown(target) == shown)
    }
}
