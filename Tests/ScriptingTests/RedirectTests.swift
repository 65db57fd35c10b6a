import TestKit
import Testing

/// `response:redirect()`.
@Suite(.timeLimit(.minutes(5))) struct RedirectTests {
    private func lines(_ response: String) -> Set<String> {
        let head = response.firstRange(of: "\r\n\r\n").map { response[..<$0.lowerBound] } ?? ""
        return Set(head.split(separator: "\r\n").map(String.init))
    }

    @Test func `a redirect is 302 with a body for people`() async throws {
        let response = try await Snippets.answer("response:redirect('/there')")
        #expect(response.hasPrefix("HTTP/1.1 302 Found\r\n"))
        #expect(lines(response).isSuperset(of: ["Location: /there", "Content-Type: text/plain; charset=utf-8"]))
        #expect(response.hasSuffix("\r\n\r\n302 Found: /there\n"))
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `its status may be one that clients follow`(status: Int) async throws {
        let response = try await Snippets.answer("response:redirect('https://example.com/a?b#c', \(status))")
        #expect(response.hasPrefix("HTTP/1.1 \(status) "))
        #expect(lines(response).contains("Location: https://example.com/a?b#c"))
    }

    @Test func `what a URI cannot hold is percent-encoded`() async throws {
        let response = try await Snippets.answer("response:redirect('/caf\\u{e9} \\xff?a=%20')")
        #expect(lines(response).contains("Location: /caf%C3%A9%20%FF?a=%20"))
    }

    @Test func `it chains, and takes the place of what was there`() async throws {
        let response = try await Snippets.answer(
            "response:set_json({}):add_header('Location', '/a'):redirect('/b'):set_cookie('c', 'd')")
        #expect(lines(response).isSuperset(of: ["Location: /b", "Set-Cookie: c=d; Path=/"]))
        #expect(!lines(response).contains("Location: /a"))
        #expect(response.hasSuffix("\r\n\r\n302 Found: /b\n"))
        let own = try await Snippets.answer("response:redirect('/b'):set_content_type('text/html'):set_body('<p>')")
        #expect(own.hasPrefix("HTTP/1.1 302 ") && own.hasSuffix("\r\n\r\n<p>"))
        #expect(lines(own).contains("Content-Type: text/html"))
    }

    @Test func `a response that redirects is no stream`() async throws {
        let result = try await Snippets.run("response:redirect('/a'):start_sse()")
        #expect(result == "error: snippet.lua:1: HTTPResponse.start_sse: the response has a body already")
    }

    @Test(arguments: [
        ("redirect()", "takes 1 to 2 arguments, got 0"),
        ("redirect('/', 302, 1)", "takes 1 to 2 arguments, got 3"),
        ("redirect(5)", "argument 1 (url) must be a string, got number"),
        ("redirect('/', '302')", "argument 2 (status) must be an integer, got string"),
        ("redirect('/', 300)", "argument 2 (status) must be 301, 302, 303, 307 or 308, got 300"),
        ("redirect('/', 304)", "argument 2 (status) must be 301, 302, 303, 307 or 308, got 304"),
        ("redirect('/', 200)", "argument 2 (status) must be 301, 302, 303, 307 or 308, got 200"),
        (
            "redirect('')",
            "argument 1 (url) must not be empty or hold CR, LF, NUL or other control characters, got \"\""
        ),
        (
            "redirect('/\\r\\nX-Evil: 1')",
            #"argument 1 (url) must not be empty or hold CR, LF, NUL or other control characters, got "/\r\nX-Evil: 1""#
        ),
        (
            "redirect('/\\0')",
            #"argument 1 (url) must not be empty or hold CR, LF, NUL or other control characters, got "/\0""#
        ),
    ])
    func `misuse says what is wrong and changes nothing`(call: String, message: String) async throws {
        let result = try await Snippets.run("local _ =\n1; response:\(call)")
        #expect(result == "error: snippet.lua:2: HTTPResponse.redirect: \(message)")
        let response = try await Snippets.answer("pcall(function() response:\(call) end)")
        #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(!response.lowercased().contains("location") && !response.lowercased().contains("x-evil"))
    }
}
