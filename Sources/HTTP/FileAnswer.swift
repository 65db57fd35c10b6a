public import HTTPTypes

/// A file that a script answers a request with: this very file, wherever it lies. `Exchange.respond(with:)` opens it.
public struct FileAnswer: Sendable {
    private let path: String
    private let method: HTTPRequest.Method
    private let conditions: HTTPFields
    private let target: String
    private let status: HTTPResponse.Status
    private let headers: HTTPFields

    /// - Parameter headers: go before what the file itself would say.
    public init(
        path: String, to request: Request, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) {
        self.path = path
        self.status = status
        self.headers = headers
        method = request.method
        conditions = request.headers
        target = request.target.path
    }

    /// Blocks on the disk.
    func response() -> Response {
        let found: OpenFile?
        do throws(OpenFile.Exhausted) {
            found = try OpenFile(path: path, beneath: nil)
        } catch {
            return FileResponse.exhausted(headers)
        }
        guard let found else { return FileResponse.error(.notFound, "nothing is at \(target)", headers) }
        var headers = headers
        if !headers.contains(.contentType) { headers[.contentType] = MIMEType.of(path) }
        // Conditions and ranges are about what GET and HEAD would give with 200 (RFC 9110, 13.2.1 and 14.2).
        guard status.code == 200, method == .get || method == .head else {
            return FileResponse.complete(found, status: status, headers, method)
        }
        return FileResponse(file: found, method: method, conditions: conditions, headers: headers).response()
    }
}
