import HTTP
import Logging
import NIOCore

/// Writes a line for each request that was answered, and for each stream that opens or closes.
struct RequestLog: Sendable {
    let log: Logger

    /// A request's line: `GET /users?page=2 client=127.0.0.1 ms=0.31 status=200`.
    func answered(_ summary: RequestSummary) {
        let what =
            summary.method.isEmpty
            ? "a request that was not understood" : "\(summary.method) \(Self.shown(summary.target))"
        log.info(
            "\(what)",
            metadata: [
                "client": "\(summary.client?.ipAddress ?? "")", "ms": "\(Self.milliseconds(summary.seconds))",
                "status": "\(summary.status)",
            ])
    }

    func opened(_ id: Int, _ path: String) {
        log.info("stream opened", metadata: ["id": "\(id)", "path": "\(Self.escaped(path))"])
    }

    func closed(_ id: Int, _ path: String, _ reason: String, seconds: Double) {
        log.info(
            "stream closed",
            metadata: [
                "id": "\(id)", "path": "\(Self.escaped(path))", "reason": "\(reason)",
                "seconds": "\((seconds * 1000).rounded() / 1000)",
            ])
    }

    private static func milliseconds(_ seconds: Double) -> Double { (seconds * 100_000).rounded() / 100 }

    /// What a parameter is called whose value is nobody's business, or a part of that.
    private static let secrets = [
        "token", "key", "password", "passwd", "pwd", "secret", "auth", "signature", "session", "credential",
    ]

    /// A request target without the values of secrets, and without anything that could forge a line.
    static func shown(_ target: String) -> String {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return escaped(target) }
        // By bytes: to `Character`, a separator before a combining mark is something else.
        let pairs = target.utf8[target.utf8.index(after: mark)...].split(
            separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        let shown = pairs.map { pair in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")),
                let name = PercentEncoding.formPairs(Substring(pair)).first?.name.lowercased(),
                secrets.contains(where: name.contains)
            else { return String(Substring(pair)) }
            return String(Substring(pair[...equals])) + "***"
        }
        return escaped(target[..<mark] + "?" + shown.joined(separator: "&"))
    }

    private static func escaped(_ text: some StringProtocol) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
                escaped += "\\u{\(String(scalar.value, radix: 16))}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
