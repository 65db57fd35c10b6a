import ArgumentParser
import HTTP

/// Addresses and networks of proxies, by commas.
struct TrustedProxyList: SettingValue {
    let networks: [IPNetwork]
    let isValid: Bool
    private let text: String

    init(argument: String) {
        text = argument
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        networks = parts.compactMap { part in
            let trimmed = part.drop { $0 == " " }
            return IPNetwork(String(trimmed.reversed().drop { $0 == " " }.reversed()))
        }
        isValid = networks.count == parts.count
    }

    /// All of several lists; nil for none.
    init?(_ lists: [TrustedProxyList]) {
        guard !lists.isEmpty else { return nil }
        self.init(argument: lists.map(\.text).joined(separator: ","))
    }

    var shown: String { "'\(text)'" }
}
