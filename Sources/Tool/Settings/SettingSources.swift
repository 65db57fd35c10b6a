import Scripting

/// What environment and file say. Everything in them has been read and found good, also what an option overrides.
struct SettingSources {
    /// A setting that is wrong, as a line for the terminal.
    struct Failure: Error, Equatable { let message: String }

    /// A value, and where it was given, for a message.
    struct Given<Value> {
        let value: Value
        let place: String
    }

    static let prefix = "MOONCAST_"

    /// The settings that have a variable, by its name.
    private let environment: [String: String]
    private let file: SettingsFile
    /// What is odd but no error, as lines for the log.
    let warnings: [String]

    /// - Parameter environment: the whole environment of the process.
    init(environment: [String: String], file: SettingsFile) throws(Failure) {
        let own = environment.filter { $0.key.hasPrefix(Self.prefix) }.sorted { $0.key < $1.key }
        let settings = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.variable, $0) })
        var known: [String: String] = [:]
        var warnings: [String] = []
        for (name, text) in own {
            guard let setting = settings[name] else {
                warnings.append(Self.unknown(name))
                continue
            }
            if text.isEmpty { continue }
            guard setting.allows(environment: text) else {
                throw Failure(message: "\(name): expected \(setting.expected), got '\(text)'")
            }
            known[name] = text
        }
        try Self.check(file)
        self.environment = known
        self.file = file
        self.warnings = warnings
    }

    /// - Throws: at the first key of a file that is no setting, or whose value is none of its own.
    static func check(_ file: SettingsFile) throws(Failure) {
        let settings = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.key, $0) })
        for entry in file.entries {
            let (key, value) = (entry.key, entry.value)
            guard let setting = settings[key] else {
                let hint = Suggestion.closest(to: key, in: settings.keys.sorted()).map { "; did you mean '\($0)'?" }
                throw Failure(message: "\(file.place(of: key)): unknown key '\(key)'\(hint ?? "")")
            }
            guard setting.allows(file: value) else {
                throw Failure(
                    message: "\(file.place(of: key)): \(key): expected \(setting.expected), got \(value.shown)")
            }
        }
    }

    /// No error: a service named "mooncast" in the same Kubernetes namespace makes a dozen such variables.
    private static func unknown(_ name: String) -> String {
        let known = Settings.all.map { String($0.variable.dropFirst(prefix.count)) }
        let meant = Suggestion.closest(to: String(name.dropFirst(prefix.count)), in: known)
        let hint = meant.map { "; did you mean \(prefix)\($0)?" }
        return "\(name) in the environment is no setting\(hint ?? "")"
    }

    /// The value of a setting: the option's, else the environment's, else the file's; nil for none.
    func given<Value>(_ setting: Setting<Value>, _ option: Value?) -> Given<Value>? {
        if let option { return Given(value: option, place: setting.option) }
        if let value = environment[setting.variable].flatMap(setting.value(environment:)) {
            return Given(value: value, place: setting.variable)
        }
        if let value = file[setting.key].flatMap(setting.value(file:)) {
            return Given(value: value, place: "\(file.place(of: setting.key)): \(setting.key)")
        }
        return nil
    }

    func value<Value>(_ setting: Setting<Value>, _ option: Value?) -> Value? { given(setting, option)?.value }
}
