import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Takes the body of a `multipart/form-data` request apart (RFC 7578; RFC 2046, 5.1).
///
/// Strict where two readers could differ: line ends are CRLF, and a line that begins with the boundary holds nothing
/// else. What stands before the first and behind the last boundary is dropped.
struct MultipartForm {
    private let bytes: UnsafeRawBufferPointer
    /// CRLF, two hyphens and the boundary.
    private let delimiter: [UInt8]
    private let limits: Form.Limits
    private var position = 0

    private typealias Part = (headers: PartHeaders, value: Range<Int>)

    static func fields(of body: ByteBuffer, boundary: [UInt8], limits: Form.Limits) throws(FormError) -> [Form.Field] {
        guard isBoundary(boundary) else { throw .badBoundary }
        let parts = try body.withUnsafeReadableBytes { bytes in
            Result { () throws(FormError) in
                var form = MultipartForm(bytes: bytes, delimiter: Array("\r\n--".utf8) + boundary, limits: limits)
                return try form.parts()
            }
        }.get()
        return parts.map { headers, value in
            let slice = body.getSlice(at: body.readerIndex + value.lowerBound, length: value.count)
            return Form.Field(name: headers.name, value: slice ?? ByteBuffer(), file: headers.file)
        }
    }

    /// `bchars` (RFC 2046, 5.1.1).
    private static func isBoundary(_ bytes: [UInt8]) -> Bool {
        guard (1...70).contains(bytes.count), bytes.last != UInt8(ascii: " ") else { return false }
        return bytes.allSatisfy { Token.isAlphanumeric($0) || "'()+_,-./:=? ".utf8.contains($0) }
    }

    private mutating func parts() throws(FormError) -> [Part] {
        if startsWithBoundary(0) {
            position = delimiter.count - 2
        } else {
            guard let start = delimiter(from: 0) else { throw .boundaryNotFound }
            position = start + delimiter.count
        }
        var parts: [Part] = []
        while try !boundaryLineIsLast(before: parts.count + 1) {
            guard parts.count < limits.maxFields else { throw .tooManyFields(limit: limits.maxFields) }
            let headers = try headers(of: parts.count + 1)
            // An empty value may do without a line end of its own.
            guard let end = delimiter(from: position - 2) else { throw .cut }
            parts.append((headers, position..<max(position, end)))
            position = end + delimiter.count
        }
        return parts
    }

    /// Reads what stands behind a boundary: `--` after the last one, then perhaps blanks, then the line's end.
    private mutating func boundaryLineIsLast(before part: Int) throws(FormError) -> Bool {
        var end = position
        let isLast = byte(end) == UInt8(ascii: "-") && byte(end + 1) == UInt8(ascii: "-")
        if isLast { end += 2 }
        while let byte = byte(end), byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { end += 1 }
        if isLast, end == bytes.count { return true }
        let rest = Array(bytes[end...].prefix(2))
        guard rest.elementsEqual("\r\n".utf8) else {
            let isCut = rest.isEmpty || rest == [0x0D] || (rest == [UInt8(ascii: "-")] && end == position)
            throw isCut ? .cut : .part(part, .badBoundaryLine)
        }
        position = end + 2
        return isLast
    }

    /// Reads a part's headers, up to the empty line.
    private mutating func headers(of part: Int) throws(FormError) -> PartHeaders {
        let limit = min(bytes.count, position + limits.maxPartHeaderBytes)
        var lines: [Slice<UnsafeRawBufferPointer>] = []
        while true {
            guard let end = carriageReturn(from: position, to: limit), end + 1 < bytes.count else {
                throw limit == bytes.count ? .cut : .part(part, .headersTooLong(limit: limits.maxPartHeaderBytes))
            }
            // A boundary with a colon could be taken for a header.
            guard bytes[end + 1] == 0x0A, !startsWithBoundary(position) else { throw .part(part, .badHeader) }
            let line = bytes[position..<end]
            position = end + 2
            if line.isEmpty { break }
            lines.append(line)
        }
        do { return try PartHeaders(lines) } catch { throw .part(part, error) }
    }

    // MARK: bytes

    private func byte(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private func carriageReturn(from start: Int, to end: Int) -> Int? {
        guard start < end, let base = bytes.baseAddress, let found = memchr(base + start, 0x0D, end - start) else {
            return nil
        }
        return base.distance(to: UnsafeRawPointer(found))
    }

    /// Where the next delimiter begins. Takes time in proportion to the bytes, whatever they are: a delimiter's only CR
    /// is its first byte, so no byte is compared in more than one place where it could begin.
    private func delimiter(from start: Int) -> Int? {
        var start = start
        while let index = carriageReturn(from: start, to: bytes.count) {
            if matches(delimiter[...], at: index) { return index }
            start = index + 1
        }
        return nil
    }

    private func startsWithBoundary(_ index: Int) -> Bool { matches(delimiter[2...], at: index) }

    private func matches(_ wanted: ArraySlice<UInt8>, at index: Int) -> Bool {
        guard let base = bytes.baseAddress, index + wanted.count <= bytes.count else { return false }
        return wanted.withUnsafeBytes { memcmp(base + index, $0.baseAddress!, $0.count) == 0 }
    }
}
