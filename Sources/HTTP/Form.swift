import HTTPTypes
public import NIOCore

/// A form that came as a request's body.
public struct Form: Sendable {
    public struct Field: Sendable, Equatable {
        public var name: [UInt8]
        /// The value, or the file's contents.
        public var value: ByteBuffer
        /// Nil for a field that is no file.
        public var file: File?

        public init(name: [UInt8], value: ByteBuffer, file: File? = nil) {
            self.name = name
            self.value = value
            self.file = file
        }
    }

    /// What a client says of a file.
    public struct File: Sendable, Equatable {
        /// As the client gives it, but without a path.
        public var name: [UInt8]
        /// As the client gives it, else `text/plain` (RFC 7578, 4.4).
        public var contentType: String

        public init(name: [UInt8], contentType: String) {
            self.name = name
            self.contentType = contentType
        }
    }

    /// What a client may send besides the body's size.
    public struct Limits: Sendable {
        public var maxFields: Int
        /// Bytes of one part's headers.
        public var maxPartHeaderBytes: Int

        /// 1,000 fields, 8 KiB of headers in each part.
        public init(maxFields: Int = 1000, maxPartHeaderBytes: Int = 8 << 10) {
            self.maxFields = maxFields
            self.maxPartHeaderBytes = maxPartHeaderBytes
        }
    }

    /// In the order of the body.
    public let fields: [Field]

    /// Reads `application/x-www-form-urlencoded` (WHATWG URL) or `multipart/form-data` (RFC 7578).
    public init(_ request: Request, limits: Limits = Limits()) throws(FormError) {
        let types = request.headers[values: .contentType]
        guard let type = types.first else { throw .noContentType }
        guard types.count == 1 else { throw .repeatedContentType }
        guard let type = ParameterizedValue(type.utf8) else { throw .badContentType }
        switch type.value {
        case "application/x-www-form-urlencoded":
            let pairs = request.body.withUnsafeReadableBytes {
                PercentEncoding.formPairs($0, limit: limits.maxFields)
            }
            guard let pairs else { throw .tooManyFields(limit: limits.maxFields) }
            fields = pairs.map { Field(name: Array($0.name.utf8), value: ByteBuffer(string: $0.value)) }
        case "multipart/form-data":
            guard let boundary = type.parameters["boundary"] else { throw .noBoundary }
            fields = try MultipartForm.fields(of: request.body, boundary: boundary, limits: limits)
        default: throw .otherContentType(String(type.value.prefix(80)))
        }
    }
}
