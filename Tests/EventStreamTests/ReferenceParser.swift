import EventStream

/// The standard's algorithm as it is written there, over the whole decoded stream: slow, and unlike `EventParser` in
/// every step.
struct ReferenceParser {
    private(set) var events: [MessageEvent] = []
    private(set) var lastEventID = ""
    private(set) var reconnectionTime: Int?
    private var dataBuffer: [Unicode.Scalar] = []
    private var typeBuffer = ""
    private var idBuffer = ""

    init(_ bytes: [UInt8]) {
        var stream = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)
        if stream.first == "\u{FEFF}" { stream.removeFirst() }
        var line: [Unicode.Scalar] = []
        var index = 0
        while index < stream.count {
            let isPair = stream[index] == "\r" && index + 1 < stream.count && stream[index + 1] == "\n"
            if stream[index] == "\r" || stream[index] == "\n" {
                take(line)
                line = []
            } else {
                line.append(stream[index])
            }
            index += isPair ? 2 : 1
        }
    }

    private mutating func take(_ line: [Unicode.Scalar]) {
        if line.isEmpty { return dispatch() }
        guard let colon = line.firstIndex(of: ":") else { return process(line, []) }
        guard colon > 0 else { return }
        var value = Array(line[(colon + 1)...])
        if value.first == " " { value.removeFirst() }
        process(Array(line[..<colon]), value)
    }

    private mutating func process(_ field: [Unicode.Scalar], _ value: [Unicode.Scalar]) {
        if field == Array("event".unicodeScalars) { typeBuffer = text(value) }
        if field == Array("data".unicodeScalars) { dataBuffer += value + ["\n"] }
        if field == Array("id".unicodeScalars), !value.contains("\0") { idBuffer = text(value) }
        if field == Array("retry".unicodeScalars), !value.isEmpty, value.allSatisfy({ ("0"..."9").contains($0) }) {
            reconnectionTime = Int(text(value)) ?? reconnectionTime
        }
    }

    private mutating func dispatch() {
        lastEventID = idBuffer
        if !dataBuffer.isEmpty {
            if dataBuffer.last == "\n" { dataBuffer.removeLast() }
            let type = typeBuffer.isEmpty ? "message" : typeBuffer
            events.append(MessageEvent(type: type, data: text(dataBuffer), lastEventID: lastEventID))
        }
        dataBuffer = []
        typeBuffer = ""
    }

    private func text(_ scalars: [Unicode.Scalar]) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }
}
