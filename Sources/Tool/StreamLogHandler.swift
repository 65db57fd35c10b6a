import Logging

/// Writes a line per message to standard error: text for people, JSON for machines.
struct StreamLogHandler: LogHandler {
    let format: LogFormat
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    init(format: LogFormat) { self.format = format }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let line =
            switch format {
            case .text: text(event.level, event.message.description, fields)
            case .json: json(event.level, event.message.description, fields)
            }
        StandardError.write(line + "\n")
    }

    /// `12:34:56.789 ERROR message key=value`, a traceback indented below it.
    private func text(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> String {
        var line = "\(Timestamp.now().time) \(level.rawValue.uppercased()) \(message)"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) where key != "traceback" {
            line += " \(key)=\(value)"
        }
        if let traceback = fields["traceback"], "\(traceback)" != "" {
            line += "\n    " + "\(traceback)".split(separator: "\n").joined(separator: "\n    ")
        }
        return line
    }

    private func json(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> String {
        var pairs: [(key: String, value: JSONObject.Value)] = [
            ("time", .text(Timestamp.now().full)), ("level", .text(level.rawValue)), ("message", .text(message)),
        ]
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            // A field of a script's may have any name, but each key stands once.
            pairs.append((pairs.contains { $0.key == key } ? "fields.\(key)" : key, .text("\(value)")))
        }
        return JSONObject.line(pairs)
    }
}
