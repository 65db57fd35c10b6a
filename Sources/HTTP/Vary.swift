import HTTPTypes

/// Says to caches on which of a request's headers an answer hangs (RFC 9110, 12.5.5).
enum Vary {
    case origin
    case acceptEncoding

    private static let originField = HTTPField(name: .vary, value: "Origin")
    private static let acceptEncodingField = HTTPField(name: .vary, value: "Accept-Encoding")

    /// Adds one to what is said already, unless that holds it.
    static func add(_ header: Vary, to fields: inout HTTPFields) {
        let field = header == .origin ? originField : acceptEncodingField
        let named = fields.elements(of: .vary)
        if !named.contains("*"), !named.contains(field.value.lowercased()) { fields.append(field) }
    }
}
