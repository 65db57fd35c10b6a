import Foundation
import TestKit

/// A value that JSON can say, drawn at random; as JSON text, as Lua source, and as Foundation has it.
enum JSONSample {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([JSONSample])
    case object([(key: String, value: JSONSample)])

    // MARK: drawing

    static func draw(from dice: inout SplitMix64, depth: Int = 4) -> JSONSample {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &dice) {
        case 0: return .null
        case 1: return .boolean(Bool.random(using: &dice))
        case 2: return .integer(Int.random(in: -100...100, using: &dice))
        case 3: return .integer(Int(truncatingIfNeeded: dice.next()))
        case 4:
            let value = Double(bitPattern: dice.next())
            return .number(value.isFinite ? value : 0.5)
        case 5: return .string(text(&dice))
        case 6, 7:
            var values: [JSONSample] = []
            for _ in 0..<Int.random(in: 0...4, using: &dice) { values.append(draw(from: &dice, depth: depth - 1)) }
            return .list(values)
        default:
            var pairs: [(key: String, value: JSONSample)] = []
            for number in 0..<Int.random(in: 0...4, using: &dice) {
                let key = number == 0 ? text(&dice) : "\(number)" + text(&dice)
                pairs.append((key: key + "k", value: draw(from: &dice, depth: depth - 1)))
            }
            return .object(pairs)
        }
    }

    private static let alphabet: [Unicode.Scalar] = [
        "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{8}", "\u{C}", "\u{1F}", "\u{7F}", "{", "]",
        ",", ":", "é", "ß", "€", "\u{2028}", "中", "😀", "🌙", "\u{FFFD}",
    ]

    private static func text(_ dice: inout SplitMix64) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...10, using: &dice) {
            text.unicodeScalars.append(alphabet.randomElement(using: &dice)!)
        }
        return text
    }

    // MARK: as JSON text

    /// With white space and escapes wherever they may be.
    func json(_ dice: inout SplitMix64) -> String {
        var text = Self.space(&dice)
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.description
        case .string(let value): text += Self.quoted(value, &dice)
        case .list(let values):
            text += "["
            for (index, value) in values.enumerated() { text += (index > 0 ? "," : "") + value.json(&dice) }
            text += "]"
        case .object(let pairs):
            text += "{"
            for (index, pair) in pairs.enumerated() {
                text += (index > 0 ? "," : "") + Self.space(&dice) + Self.quoted(pair.key, &dice)
                text += Self.space(&dice) + ":" + pair.value.json(&dice)
            }
            text += "}"
        }
        return text + Self.space(&dice)
    }

    private static func space(_ dice: inout SplitMix64) -> String {
        ["", "", "", " ", "\n", "\t", "\r", "  "].randomElement(using: &dice)!
    }

    private static let escapes: [Unicode.Scalar: String] = [
        "\"": "\\\"", "\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{8}": "\\b", "\u{C}": "\\f",
    ]

    private static func quoted(_ value: String, _ dice: inout SplitMix64) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            let isPlain = scalar.value >= 0x20 && scalar != "\"" && scalar != "\\"
            if isPlain, Int.random(in: 0..<4, using: &dice) > 0 {
                text.unicodeScalars.append(scalar)
            } else if let escape = escapes[scalar], Bool.random(using: &dice) {
                text += escape
            } else {
                for unit in String(Character(scalar)).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &dice))
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return text + "\""
    }

    // MARK: as Lua source

    var lua: String {
        switch self {
        case .null: "JSON.null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): value == .min ? "math.mininteger" : String(value)
        case .number(let value): value.description
        case .string(let value): Self.literal(value.utf8)
        case .list(let values):
            values.isEmpty ? "JSON.array{}" : "{ " + values.map(\.lua).joined(separator: ", ") + " }"
        case .object(let pairs):
            "{ " + pairs.map { "[" + Self.literal($0.key.utf8) + "] = " + $0.value.lua }.joined(separator: ", ") + " }"
        }
    }

    /// A Lua string of these bytes, all in ASCII.
    static func literal(_ bytes: some Sequence<UInt8>) -> String {
        var text = "'"
        for byte in bytes { text += (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16) }
        return text + "'"
    }

    // MARK: as Foundation reads it

    /// Whether Foundation's value is this one. Its numbers may be off in the last place.
    func matches(_ value: Any) -> Bool {
        switch self {
        case .null: return value is NSNull
        case .boolean(let boolean): return (value as? Bool ?? (value as? NSNumber)?.boolValue) == boolean
        case .integer(let integer): return (value as? NSNumber)?.int64Value == Int64(integer)
        case .number(let number):
            guard let found = (value as? NSNumber)?.doubleValue else { return false }
            return abs(found - number) <= abs(number) * 1e-12
        case .string(let string):
            guard let found = value as? String else { return false }
            return found.utf8.elementsEqual(string.utf8)
        case .list(let values):
            guard let found = value as? [Any], found.count == values.count else { return false }
            return zip(values, found).allSatisfy { $0.matches($1) }
        case .object(let pairs):
            guard let found = value as? [String: Any], found.count == pairs.count else { return false }
            return pairs.allSatisfy { pair in found[pair.key].map { pair.value.matches($0) } ?? false }
        }
    }

    /// What Foundation makes of a text.
    static func foundation(_ text: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }
}
