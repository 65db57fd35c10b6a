import ArgumentParser

/// A setting of `serve`: a row of the table in `Settings`, of which its option, its environment variable, its key in
/// `mooncast.toml` and its help are made.
struct Setting<Value: SettingValue>: AnySetting {
    let name: String
    let help: String
    /// What values there are, as the end of "expected …".
    let expected: String
    private let isAllowed: @Sendable (Value) -> Bool

    /// - Parameter name: words in lower case with '-' between them.
    init(
        _ name: String, help: String, expected: String, isAllowed: @escaping @Sendable (Value) -> Bool = { _ in true }
    ) {
        self.name = name
        self.help = help
        self.expected = expected
        self.isAllowed = isAllowed
    }

    /// - Throws: when the command line gave a value that is not allowed.
    func check(_ option: Value?) throws(ValidationError) {
        guard let option, !isAllowed(option) else { return }
        throw ValidationError("\(self.option) must be \(expected), got \(option.shown)")
    }

    /// Nil when the text is no allowed value.
    func value(environment text: String) -> Value? { Value(environment: text).flatMap { isAllowed($0) ? $0 : nil } }

    /// Nil when it is no allowed value.
    func value(file value: SettingsFile.Value) -> Value? { Value(file: value).flatMap { isAllowed($0) ? $0 : nil } }

    func allows(environment text: String) -> Bool { value(environment: text) != nil }
    func allows(file value: SettingsFile.Value) -> Bool { self.value(file: value) != nil }
}

/// A setting of any type, and its names.
protocol AnySetting: Sendable {
    var name: String { get }
    var help: String { get }
    var expected: String { get }
    func allows(environment text: String) -> Bool
    func allows(file value: SettingsFile.Value) -> Bool
}

extension AnySetting {
    /// On the command line: `--shutdown-timeout`.
    var option: String { "--\(name)" }
    /// In the environment: `MOONCAST_SHUTDOWN_TIMEOUT`.
    var variable: String { SettingSources.prefix + key.uppercased() }
    /// In `mooncast.toml`: `shutdown_timeout`.
    var key: String { String(name.map { $0 == "-" ? "_" : $0 }) }
}

// MARK: on the command line

extension Option {
    /// The option of a setting. It has no default, so that environment and file are asked when it is not given.
    init<T: SettingValue>(_ setting: Setting<T>) where Value == T? {
        self.init(name: .customLong(setting.name), help: ArgumentHelp(stringLiteral: setting.help))
    }

    /// The same, with a name for what stands behind it.
    init<T: SettingValue>(_ setting: Setting<T>, valueName: String) where Value == T? {
        self.init(name: .customLong(setting.name), help: ArgumentHelp(setting.help, valueName: valueName))
    }

    /// The option of a setting that may be given more than once.
    init<T: SettingValue>(wrappedValue: [T], repeating setting: Setting<T>, valueName: String) where Value == [T] {
        self.init(
            wrappedValue: wrappedValue, name: .customLong(setting.name),
            help: ArgumentHelp(setting.help, valueName: valueName))
    }

    /// The option of a setting which may also stand without a value.
    init<T: SettingValue>(_ setting: Setting<T>, alone: T, valueName: String) where Value == T? {
        self.init(
            name: .customLong(setting.name), defaultAsFlag: alone, parsing: .next,
            help: ArgumentHelp(setting.help, valueName: valueName))
    }
}

extension Flag where Value == Bool? {
    /// The flag of a setting, and its opposite.
    init(_ setting: Setting<Bool>) {
        self.init(
            name: .customLong(setting.name), inversion: .prefixedNo, help: ArgumentHelp(stringLiteral: setting.help))
    }
}
