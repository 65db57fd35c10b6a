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
}
