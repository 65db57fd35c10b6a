/// Why a request's body is not a form.
public enum FormError: Error, Equatable, Sendable {
    case noContentType
    case repeatedContentType
    case badContentType
    case otherContentType(String)
    case noBoundary
    case badBoundary
    case boundaryNotFound
    /// The body ends before its last boundary.
    case cut
    case tooManyFields(limit: Int)
    /// A part, numbered from 1.
    case part(Int, PartFault)

    /// What is wrong with one part.
    public enum PartFault: Error, Equatable, Sendable {
        case badBoundaryLine
        case badHeader
        case headersTooLong(limit: Int)
        case repeatedHeader(String)
        case noDisposition
        case badDisposition
        case notFormData
        case noName
        case badExtendedFileName
        case badContentType
        case nested
        case encoded
    }

    /// The sentence that a script's author reads.
    public var description: String {
        switch self {
        case .noContentType: "the request has no Content-Type"
        case .repeatedContentType: "the request has more than one Content-Type"
        case .badContentType: "the request's Content-Type is malformed"
        case .otherContentType(let type):
            "the Content-Type is '\(type)', neither 'application/x-www-form-urlencoded' nor 'multipart/form-data'"
        case .noBoundary: "the Content-Type 'multipart/form-data' has no boundary"
        case .badBoundary: "a boundary has 1 to 70 of the characters that RFC 2046 (5.1.1) allows"
        case .boundaryNotFound: "the body does not hold the boundary that its Content-Type names"
        case .cut: "the body is cut: its last boundary is missing"
        case .tooManyFields(let limit): "there are more than \(limit) fields"
        case .part(let number, let fault): "part \(number): \(fault.description)"
        }
    }
}

extension FormError.PartFault {
    var description: String {
        switch self {
        case .badBoundaryLine: "after the boundary there must be CRLF, or '--' and CRLF"
        case .badHeader: "a line of its headers is not 'Name: value' and CRLF"
        case .headersTooLong(let limit): "its headers are longer than \(limit) bytes"
        case .repeatedHeader(let name): "it has more than one \(name)"
        case .noDisposition: "it has no Content-Disposition"
        case .badDisposition: "its Content-Disposition is malformed"
        case .notFormData: "its Content-Disposition is not 'form-data'"
        case .noName: "it has no name"
        case .badExtendedFileName: "its filename* is not as RFC 8187 has it, in UTF-8 or ISO-8859-1 and without NUL"
        case .badContentType: "its Content-Type is malformed"
        case .nested: "it is a multipart itself; each file must be a part of its own (RFC 7578, 4.3)"
        case .encoded: "its Content-Transfer-Encoding is not '7bit', '8bit' or 'binary' (RFC 7578, 4.7)"
        }
    }
}
