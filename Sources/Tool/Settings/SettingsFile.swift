import Scripting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `mooncast.toml` of a script directory: the settings that go with the scripts.
struct SettingsFile {
    static let name = "mooncast.toml"

    /// A value of TOML, as far as settings have it.
    enum Value: Equatable, Sendable {
        case text(String)
        case integer(Int)
        case number(Double)
        case boolean(Bool)

        /// As a message shows it.
        var shown: String {
            switch self {
            case .text(let text): "the string \"\(text)\""
            case .integer(let number): "\(number)"
            case .number(let number): "\(number)"
            case .boolean(let value): "\(value)"
            }
        }
    }

    struct Entry {
        let key: String
        let value: Value
        let line: Int
    }

    /// In the order of the file.
    let entries: [Entry]

    /// The file of a directory; without one there are no entries.
    init(in directory: ScriptDirectory) throws(SettingSources.Failure) {
        try self.init(try Self.read(directory))
    }

    /// From the text of a file.
    init(_ text: String) throws(SettingSources.Failure) {
        var entries: [Entry] = []
        let isMarked = text.unicodeScalars.first == "\u{FEFF}"
        let lines = text.utf8.dropFirst(isMarked ? 3 : 0)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let place = "\(Self.name):\(index + 1)"
            var reader = SettingsReader(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            do throws(SettingsReader.Mistake) {
                guard let (key, value) = try reader.entry() else { continue }
                if let first = entries.first(where: { $0.key == key }) {
                    throw SettingsReader.Mistake(message: "the key '\(key)' is already in line \(first.line)")
                }
                entries.append(Entry(key: key, value: value, line: index + 1))
            } catch {
                throw SettingSources.Failure(message: "\(place): \(error.message)")
            }
        }
        self.entries = entries
    }

    subscript(key: String) -> Value? { entries.first { $0.key == key }?.value }

    /// File and line of a key, for a message.
    func place(of key: String) -> String {
        entries.first { $0.key == key }.map { "\(Self.name):\($0.line)" } ?? Self.name
    }

    private static func read(_ directory: ScriptDirectory) throws(SettingSources.Failure) -> String {
        // A directory that cannot be searched is told of where its scripts are listed.
        guard access(directory.resolve(name), F_OK) == 0 else { return "" }
        let bytes: [UInt8]
        do throws(ScriptDirectory.Failure) { bytes = try directory.read(name) } catch {
            throw SettingSources.Failure(message: error.message)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingSources.Failure(message: "\(name): not UTF-8")
        }
        return text
    }
}
