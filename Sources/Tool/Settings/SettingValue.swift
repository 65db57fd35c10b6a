import ArgumentParser
import Logging

/// A value that a setting can have, wherever it is written.
protocol SettingValue: ExpressibleByArgument, Sendable {
    /// From the text of an environment variable.
    init?(environment text: String)
    /// From a value of `mooncast.toml`; nil also when it is of another type.
    init?(file value: SettingsFile.Value)
    /// As a message shows it.
    var shown: String { get }
}

extension SettingValue {
    init?(environment text: String) { self.init(argument: text) }
    var shown: String { "\(self)" }
}

/// Texts in a file are what they are on the command line.
extension SettingValue {
    init?(file value: SettingsFile.Value) {
        guard case .text(let text) = value else { return nil }
        self.init(argument: text)
    }
}

extension String: SettingValue {
    var shown: String { "'\(self)'" }
}

extension Int: SettingValue {
    init?(file value: SettingsFile.Value) {
        guard case .integer(let number) = value else { return nil }
        self = number
    }
}

extension Double: SettingValue {
    init?(file value: SettingsFile.Value) {
        switch value {
        case .integer(let number): self.init(number)
        case .number(let number): self = number
        default: return nil
        }
    }
}

extension Bool: SettingValue {
    init?(environment text: String) {
        switch text {
        case "true", "1": self = true
        case "false", "0": self = false
        default: return nil
        }
    }

    init?(file value: SettingsFile.Value) {
        guard case .boolean(let value) = value else { return nil }
        self = value
    }
}

extension Logger.Level: ArgumentParser.ExpressibleByArgument {}
extension Logger.Level: SettingValue {}
