extension HTTPDate {
    /// From 1601 (RFC 6265, 5.1.1) to the end of 9999, the last year of four digits.
    static let cookieSeconds = -11_644_473_600...253_402_300_799

    /// The second that a date names; nil for what `string` does not write, the obsolete formats among them.
    static func second(of text: String) -> Int? {
        guard let second = seconds(text, now: 0), cookieSeconds.contains(second), string(second) == text else {
            return nil
        }
        return second
    }

    /// Seconds since 1970 of a date in one of the three forms that a recipient must accept (RFC 9110, 5.6.7); nil for
    /// anything else. What is not English and GMT is no date.
    static func seconds(_ text: String, now: Int) -> Int? {
        let words = text.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
        switch words.count {
        case 6:  // Sun, 06 Nov 1994 08:49:37 GMT
            guard isDay(words[0], ending: ","), words[5] == "GMT", let day = number(words[1], digits: 2),
                let year = number(words[3], digits: 4)
            else { return nil }
            return seconds(year, words[2], day, words[4])
        case 5:  // Sun Nov  6 08:49:37 1994
            guard isDay(words[0], ending: ""), let year = number(words[4], digits: 4),
                let day = number(words[2], digits: words[2].utf8.count == 1 ? 1 : 2)
            else { return nil }
            return seconds(year, words[1], day, words[3])
        case 4:  // Sunday, 06-Nov-94 08:49:37 GMT
            let date = words[1].utf8.split(separator: UInt8(ascii: "-")).map { String(Substring($0)) }
            guard isDay(words[0], ending: "day,"), words[3] == "GMT", date.count == 3,
                let day = number(date[0], digits: 2), let year = number(date[2], digits: 2)
            else { return nil }
            // More than 50 years ahead is the century before.
            let century = seconds(2000 + year, date[1], day, words[2])
            guard let century, century > now + fiftyYears else { return century }
            return seconds(1900 + year, date[1], day, words[2])
        default: return nil
        }
    }

    private static let fiftyYears = 50 * 31_556_952
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func isDay(_ word: String, ending: String) -> Bool {
        guard let day = days.first(where: { word.utf8.starts(with: $0.utf8) }), word.hasSuffix(ending) else {
            return false
        }
        return ending == "day," || word.utf8.count == day.utf8.count + ending.utf8.count
    }

    private static func number(_ text: String, digits: Int) -> Int? {
        guard text.utf8.count == digits, text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
        else { return nil }
        return Int(text)
    }

    private static func seconds(_ year: Int, _ monthName: String, _ day: Int, _ time: String) -> Int? {
        let parts = time.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .map { number(String(Substring($0)), digits: 2) }
        guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            hour < 24, minute < 60, second <= 60,  // a leap second
            let index = months.firstIndex(of: monthName)
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[index]).contains(day) else { return nil }
        let before = lengths[..<index].reduce(0, +) + day - 1
        // Leap days in the years before this one, from the year 1.
        let last = year - 1
        let leapDays = last / 4 - last / 100 + last / 400
        let epoch = 719_162  // days from the first of January of the year 1 to that of 1970
        return ((last * 365 + leapDays + before - epoch) * 24 + hour) * 3600 + minute * 60 + second
    }
}
