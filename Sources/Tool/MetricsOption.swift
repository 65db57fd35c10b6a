import ArgumentParser
import Metrics
import Scripting

/// Whether and where metrics are served. A directory is no value: in `serve --metrics DIR` the option stands alone.
enum MetricsOption: SettingValue, CustomStringConvertible {
    case address(MetricsAddress)
    case off
    case invalid(String)

    static let standard = MetricsOption.address(.standard)
    static let expected = "PORT, HOST:PORT, [IPV6]:PORT, true or false"

    init?(argument: String) {
        self.init(text: argument)
        if case .invalid = self, !argument.isEmpty, (try? ScriptDirectory(argument)) != nil { return nil }
    }

    init?(environment text: String) { self.init(text: text) }

    init?(file value: SettingsFile.Value) {
        switch value {
        case .text(let text): self.init(text: text)
        case .integer(let port): self.init(text: "\(port)")
        case .boolean(let isOn): self = isOn ? .standard : .off
        case .number: return nil
        }
    }

    private init(text: String) {
        switch text {
        case "true": self = .standard
        case "false": self = .off
        default: self = MetricsAddress(text).map(Self.address) ?? .invalid(text)
        }
    }

    var isValid: Bool { if case .invalid = self { false } else { true } }

    var description: String {
        switch self {
        case .address(let address): address.description
        case .off: "false"
        case .invalid(let text): text
        }
    }

    var shown: String { "'\(description)'" }
}
