extension HTTPDate {
    /// From 1601 (RFC 6265, 5.1.1) to the end of 9999, the last year of four digits.
    static let cookieSeconds = -11_644_473_600...253_402_300_799

    /// The second that a date names; nil for what `string` does not write, the obsolete formats among them.
    static func second(of text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 29, let day = number(bytes[5..<7]), let year = number(bytes[12..<16]),
            let hour = number(bytes[17..<19]), let minute = number(bytes[20..<22]), let second = number(bytes[23..<25])
        else { return nil }
        let month = String(decoding: bytes[8..<11], as: UTF8.self)
        guard
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
                .firstIndex(of: month)
        else { return nil }
        let time = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        // What is out of its range, or stands in the wrong place, is written otherwise.
        return cookieSeconds.contains(time) && string(time) == text ? time : nil
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var number = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }

    /// Days from 1970-01-01 in the Gregorian calendar; January is 0. Years are counted from March, so that the leap day
    /// is their last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month < 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        return 365 * year + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}
