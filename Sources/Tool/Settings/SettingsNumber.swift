/// The numbers of TOML 1.0 ("Integer", "Float").
enum SettingsNumber {
    /// Nil for anything else, and for an integer of more than 64 bits.
    static func value(_ text: String) -> SettingsFile.Value? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where text.hasPrefix(prefix) {
            return digits(text.dropFirst(2), radix).flatMap { Int($0, radix: radix) }.map(SettingsFile.Value.integer)
        }
        let sign = text.hasPrefix("-") ? "-" : ""
        let number = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        switch number {
        case "inf": return .number(sign.isEmpty ? .infinity : -.infinity)
        case "nan": return .number(.nan)
        default: break
        }
        let whole = number.prefix { $0 != "." && $0 != "e" && $0 != "E" }
        guard let integer = digits(whole, 10), integer == "0" || !integer.hasPrefix("0") else { return nil }
        let rest = number[whole.endIndex...]
        if rest.isEmpty { return Int(sign + integer).map(SettingsFile.Value.integer) }
        return fraction(rest).flatMap { Double(sign + integer + $0) }.map(SettingsFile.Value.number)
    }

    /// ".5", "e9" or both, without underscores.
    private static func fraction(_ text: Substring) -> String? {
        var fraction = ""
        var rest = text
        if rest.hasPrefix(".") {
            let places = rest.dropFirst().prefix { $0 != "e" && $0 != "E" }
            guard let digits = digits(places, 10) else { return nil }
            fraction = "." + digits
            rest = rest[places.endIndex...]
        }
        if rest.isEmpty { return fraction }
        let exponent = rest.dropFirst()
        let sign = exponent.hasPrefix("-") ? "-" : ""
        let isSigned = exponent.hasPrefix("-") || exponent.hasPrefix("+")
        guard let digits = digits(isSigned ? exponent.dropFirst() : exponent, 10) else { return nil }
        return fraction + "e" + sign + digits
    }

    /// Digits, each underscore among them between two.
    private static func digits(_ text: Substring, _ radix: Int) -> String? {
        let groups = text.split(separator: "_", omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { isDigit($0, radix) } }) else { return nil }
        return groups.joined()
    }

    private static func isDigit(_ byte: UInt8, _ radix: Int) -> Bool {
        Int(String(Unicode.Scalar(byte)), radix: radix) != nil
    }
}
