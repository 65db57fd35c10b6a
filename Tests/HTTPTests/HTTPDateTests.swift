import TestKit
import Testing

@testable import HTTP

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ])
    func `a second as RFC 9110 writes it`(_ second: Int, _ text: String) {
        #expect(HTTPDate.string(second) == text)
        #expect(HTTPDate.second(of: text) == second)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "sun, 06 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT ", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT", "Wed, 29 Feb 2023 00:00:00 GMT", "Mon, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1600 08:49:37 GMT", "Sun, 06 Nov 0094 08:49:37 GMT", "Sun, 06 Nov +994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 GM\u{301}",
        "Sun, 06 Nov 1994 08:49:37 GMT\r\n", "Sun; 06 Nov 1994 08:49:37 GMT", "\u{661}un, 06 Nov 1994 08:49:37 GT",
    ])
    func `another text is no date`(_ text: String) { #expect(HTTPDate.second(of: text) == nil) }

    @Test func `every second is read as it was written`() {
        var dice = SplitMix64(seed: 1)
        for _ in 0..<5000 {
            let second = Int.random(in: HTTPDate.cookieSeconds, using: &dice)
            #expect(HTTPDate.second(of: HTTPDate.string(second)) == second)
        }
    }

    @Test func `every date is 29 characters long`() {
        for day in 0..<800 { #expect(HTTPDate.string(day * 86_399).utf8.count == 29) }
    }

    private static let now = 1_750_000_000  // June 2025

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `each of the three forms is read`(_ text: String) {
        #expect(HTTPDate.seconds(text, now: Self.now) == 784_111_777)
    }

    @Test(arguments: [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
        ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400), ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800), ("Wed Nov 16 08:49:37 1994", 784_975_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Monday, 01-Jan-74 00:00:00 GMT", 3_281_990_400),
        ("Tuesday, 01-Jan-80 00:00:00 GMT", 315_532_800), ("Saturday, 01-Jan-00 00:00:00 GMT", 946_684_800),
    ])
    func `a date is a second, and a year of two digits is at most 50 years ahead`(_ text: String, _ second: Int) {
        #expect(HTTPDate.seconds(text, now: Self.now) == second)
    }

    @Test(arguments: [
        "", "0", "784111777", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 +0000", "Sun 06 Nov 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "So, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Tue, 29 Feb 1900 00:00:00 GMT",
        "Thu, 29 Feb 2023 00:00:00 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49:37:00 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 06 08:49:37 1994 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 0\u{301}8:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ])
    func `anything else is no date`(_ text: String) { #expect(HTTPDate.seconds(text, now: Self.now) == nil) }

    @Test func `what is written reads back`() {
        var random = SplitMix64(seed: 5)
        for _ in 0..<5_000 {
            let second = Int.random(in: 0...253_402_300_799, using: &random)
            #expect(HTTPDate.seconds(HTTPDate.string(second), now: Self.now) == second)
        }
    }

    @Test func `no bytes are too odd for it`() {
        var random = SplitMix64(seed: 6)
        let pieces = [
            "Sun", ",", " ", "  ", "06", "-", "Nov", "1994", "94", ":", "08", "GMT", "\u{301}", "9999", "day",
        ]
        for _ in 0..<5_000 {
            let text = (0..<12).map { _ in pieces.randomElement(using: &random)! }.joined()
            _ = HTTPDate.seconds(text, now: Self.now)
        }
    }
}
