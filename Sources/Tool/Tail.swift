import ArgumentParser
import Client
import NIOCore

/// `mooncast tail URL`.
struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the events of an event stream as they come.",
        discussion: """
            Works as a browser's EventSource: a stream that ends, or a server that is away, is asked again after the \
            time that the server's retry: gives (3 s at first), with the last event id; the longer the server is away, \
            the longer the wait, up to a minute more. An answer of 204 ends it.

            Exit code 0 after 204 or --count events; 1 when the answer is no event stream, an event is longer than \
            \(EventSourceState.maxEventBytes >> 20) MiB, or the server's certificate is not trusted. Ctrl-C ends it at \
            any time.
            """
    )

    @Argument(help: "The http or https URL of the stream.")
    var url: String

    @Flag(help: "Print a JSON object per event and line, with time, type, id and data.")
    var json = false

    @Flag(help: "Print the stream's bytes as they come.")
    var raw = false

    @Option(help: ArgumentHelp("Begin behind the event with this id.", valueName: "id"))
    var lastEventID: String?

    @Option(
        name: .customLong("header"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Send this header field, too; may be repeated. It does not follow a redirect to another server.",
            valueName: "name: value"))
    var headers: [String] = []

    @Option(help: "Stop after that many events.")
    var count: Int?

    @Option(help: ArgumentHelp("Trust the authorities in this PEM file, and no others.", valueName: "file"))
    var cacert: String?

    @Flag(help: "Trust any certificate, as of a server on your own machine.")
    var insecure = false

    func validate() throws {
        if json, raw { throw ValidationError("--json and --raw exclude each other") }
        if insecure, cacert != nil { throw ValidationError("--insecure and --cacert exclude each other") }
        if let count, count < 1 { throw ValidationError("--count must be at least 1, got \(count)") }
        if let lastEventID, lastEventID.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) {
            throw ValidationError("--last-event-id must not hold CR, LF or NUL")
        }
        _ = try target()
        _ = try fields()
    }

    func run() async throws {
        do {
            let trust = insecure ? Trust.anyone : cacert.map { Trust.file($0) } ?? .system
            let (url, fields) = (try target(), try self.fields())
            let source: EventSource
            do throws(Trust.Failure) {
                source = try EventSource(url, lastEventID: lastEventID ?? "", fields: fields, trust: trust)
            } catch {
                throw StartFailure.OfSetting(place: cacert == nil ? self.url : "--cacert", message: error.message)
            }
            var printer = TailPrinter(form: json ? .json : raw ? .raw : .text, count: count)
            try await source.run { printer.take($0) }
        } catch {
            throw StartFailure.exit(error)
        }
    }

    private func target() throws -> HTTPURL {
        do throws(HTTPURL.Invalid) { return try HTTPURL(url) } catch {
            throw ValidationError("the URL '\(url)' \(error.reason)")
        }
    }

    private func fields() throws -> [RequestField] {
        try headers.map { text in
            do throws(RequestField.Invalid) { return try RequestField(text) } catch {
                throw ValidationError("--header '\(text)' \(error.reason)")
            }
        }
    }
}
