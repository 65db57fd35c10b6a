import Foundation
import HTTPTypes
import NIOCore
import TestKit

@testable import HTTP

/// Files on the disk that are asked for without a server.
struct ServedFiles {
    let directory: TemporaryDirectory
    var files: StaticFiles

    /// - Parameter texts: by path.
    init(_ texts: [String: String]) throws {
        directory = try TemporaryDirectory(texts)
        guard let files = StaticFiles(directory: directory.path) else { throw CocoaError(.fileNoSuchFile) }
        self.files = files
    }

    /// What is answered.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        /// Read to its end, also where a HEAD would leave it out.
        let text: String
        let length: Int?
        let allowsBody: Bool
    }

    /// Nil for what is not there, and for a body that cannot be read.
    func answer(_ raw: String, _ headers: HTTPFields = [:], method: HTTPRequest.Method = .get) throws -> Answer? {
        guard let response = files.response(for: try RequestTarget(raw), method: method, headers: headers) else {
            return nil
        }
        return Answer(response)
    }

    func setModified(_ name: String, _ seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: directory.path + "/" + name)
    }
}

extension ServedFiles.Answer {
    init?(_ response: Response) {
        guard let text = response.text else { return nil }
        self.init(
            status: response.status.code, headers: response.headers, text: text, length: response.contentLength,
            allowsBody: response.allowsBody)
    }
}

extension Response {
    /// The body as it would go out; nil when it cannot be read.
    var text: String? {
        switch body {
        case .bytes(let bytes): return String(buffer: bytes)
        case .stream: return ""
        case .file(var file):
            var bytes = ByteBuffer()
            while file.length > 0 {
                guard let (piece, rest) = file.nextPiece() else { return nil }
                bytes.writeImmutableBuffer(piece)
                file = rest
            }
            return String(buffer: bytes)
        }
    }
}
