import Scripting
import TOMLKit

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
        /// Something else, by the name of its type.
        case other(String)

        /// As a message shows it.
        var shown: String {
            switch self {
            case .text(let text): "the string \"\(text)\""
            case .integer(let number): "\(number)"
            case .number(let number): "\(number)"
            case .boolean(let value): "\(value)"
            case .other(let type): "\(type.first.map("aeiou".contains) == true ? "an" : "a") \(type)"
            }
        }
    }

    /// By key, in order of the keys.
    let entries: [(key: String, value: Value)]
    private let text: String

    /// The file of a directory; without one there are no entries.
    init(in directory: ScriptDirectory) throws(SettingSources.Failure) {
        try self.init(try Self.read(directory))
    }

    /// From the text of a file.
    init(_ text: String) throws(SettingSources.Failure) {
        self.text = text
        entries = try Self.entries(text)
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

    subscript(key: String) -> Value? { entries.first { $0.key == key }?.value }

    /// File and line of a key, for a message.
    ///
    /// TOMLKit does not say where a key stands. But it says of every beginning of the file whether that is TOML by
    /// itself: the line behind the longest one that is, and has no such key yet, is the key's.
    func place(of key: String) -> String {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var line = 1
        for (index, last) in lines.enumerated() {
            let end = last.endIndex == text.endIndex ? last.endIndex : text.utf8.index(after: last.endIndex)
            guard let table = try? TOMLTable(string: String(text[..<end])) else { continue }
            if table[key] != nil { break }
            line = index + 2
        }
        return "\(Self.name):\(line)"
    }

    private static func entries(_ text: String) throws(SettingSources.Failure) -> [(key: String, value: Value)] {
        if text.isEmpty { return [] }
        // TOMLKit reads up to a NUL, and would ignore what comes behind it.
        guard !text.utf8.contains(0) else { throw SettingSources.Failure(message: "\(name): holds a NUL character") }
        // Settings are in no table. TOMLKit must not see one either: it aborts the process at `[=` and the like.
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        where Substring(line).first(where: { !$0.isWhitespace && $0 != "\u{FEFF}" }) == "[" {
            throw SettingSources.Failure(message: "\(name):\(index + 1): unknown table (settings are in none)")
        }
        do {
            let table = try TOMLTable(string: text)
            return table.keys.sorted().compactMap { key in table[key].map { (key, Value($0)) } }
        } catch let error as TOMLParseError {
            throw SettingSources.Failure(message: "\(name):\(error.source.begin.line): \(error.description)")
        } catch {
            throw SettingSources.Failure(message: "\(name): \(error)")
        }
    }
}

extension SettingsFile.Value {
    fileprivate init(_ value: any TOMLValueConvertible) {
        if let text = value.string {
            self = .text(text)
        } else if let number = value.int {
            self = .integer(number)
        } else if let number = value.double {
            self = .number(number)
        } else if let boolean = value.bool {
            self = .boolean(boolean)
        } else {
            self = .other(value.type.description)
        }
    }
}
