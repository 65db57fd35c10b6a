import HTTP
import HTTPTypes
import NIOCore

/// What a developer's browser shows when a handler failed.
enum DevelopmentPage {
    static func response(_ report: ErrorReport) -> Response {
        var source = ""
        if let line = report.source {
            source = "<pre class=source>\(escape("\(line.file):\(line.line)\n  \(line.text)"))</pre>"
        }
        let page = """
            <!doctype html>
            <meta charset="utf-8">
            <title>Script error</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;margin:3em auto;max-width:60em;padding:0 1em}
            pre{background:#f4f1ea;padding:1em;overflow:auto}.source{border-left:4px solid #c33}</style>
            <h1>The script failed</h1>
            <p><strong>\(escape(report.message))</strong></p>
            \(source)
            <h2>Traceback</h2>
            <pre>\(escape(report.traceback))</pre>
            <p>This page is shown because the server runs with <code>--dev</code>.</p>

            """
        let headers: HTTPFields = [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"]
        return Response(status: .internalServerError, headers: headers, body: .bytes(ByteBuffer(string: page)))
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
