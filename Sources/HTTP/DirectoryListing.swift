import HTTPTypes
import NIOCore

/// A page that lists a directory.
struct DirectoryListing {
    /// More names are not looked at, so that one request cannot ask for an endless page.
    static let maxEntries = 10_000

    let directory: OpenDirectory
    /// As the client asked for it, decoded; with the closing slash.
    let path: String
    var maxEntries = Self.maxEntries

    /// Blocks on the disk.
    func response() -> Response {
        let (entries, areAll) = directory.entries(limit: maxEntries)
        let title = "Index of " + Self.escape(path)
        var page = """
            <!doctype html>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>\(title)</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;margin:2em}td{padding-right:2em}
            td:nth-child(2){text-align:right}</style>
            <h1>\(title)</h1>
            <table>

            """
        if path != "/" { page += "<tr><td><a href=\"../\">../</a><td><td>\n" }
        for entry in entries {
            let slash = entry.size == nil ? "/" : ""
            let link = "./" + PercentEncoding.encode(entry.name) + slash
            page += "<tr><td><a href=\"\(link)\">\(Self.escape(entry.name))\(slash)</a>"
            page += "<td>\(entry.size.map(String.init) ?? "")<td>\(HTTPDate.string(max(0, entry.modified)))\n"
        }
        page += "</table>\n"
        if !areAll { page += "<p>There is more than is listed here.\n" }
        let headers: HTTPFields = [.contentType: "text/html; charset=utf-8", .cacheControl: "no-cache"]
        return Response(status: .ok, headers: headers, body: .bytes(ByteBuffer(string: page)))
    }

    /// By scalars: to `Character`, a `<` before a combining mark is something else.
    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
