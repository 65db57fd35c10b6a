import Testing

@testable import HTTP

@Suite struct MIMETypeTests {
    @Test(arguments: [
        ("index.html", "text/html; charset=utf-8"),
        ("/a/b/index.html", "text/html; charset=utf-8"),
        ("INDEX.HTML", "text/html; charset=utf-8"),
        ("a.min.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("game.wasm", "application/wasm"),
        ("game.pck", "application/octet-stream"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
        ("a.html/b", "application/octet-stream"),
        ("a.html/", "text/html; charset=utf-8"),
        ("a.html.exe", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("/", "application/octet-stream"),
        ("a.ht\u{301}ml", "application/octet-stream"),
    ])
    func `the extension of the name decides`(_ path: String, _ type: String) {
        #expect(MIMEType.of(path) == type)
    }
}
