import HTTPTypes

/// The methods that a path takes, as `Allow` tells them (RFC 9110, 10.2.1).
enum AllowedMethods {
    /// Those that the server knows.
    static let all = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

    /// What a method gets that is not among those that a path takes: OPTIONS, what they are (RFC 9110, 9.3.7).
    static func response(to method: HTTPRequest.Method, _ allowed: [String]) -> Response {
        guard method != .options else {
            return Response(status: .noContent, headers: [.allow: (allowed + ["OPTIONS"]).joined(separator: ", ")])
        }
        let list = allowed.joined(separator: ", ")
        var response = Response.error(.methodNotAllowed, "\(method.rawValue) is not allowed here; allowed: \(list)")
        response.headers[.allow] = list
        return response
    }

    /// The same at a file.
    /// - Parameter routes: the methods that routes take at its path.
    static func response(to method: HTTPRequest.Method, atFileAndRoutes routes: [String]) -> Response {
        let file = ["GET", "HEAD"]
        return response(to: method, file + routes.filter { !file.contains($0) })
    }
}
