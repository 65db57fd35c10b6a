import HTTPTypes

extension HTTPFields {
    /// The elements of a list, in lower case (RFC 9110, 5.6.1).
    func elements(of name: HTTPField.Name) -> [String] {
        self[values: name].flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }
            .map { Substring(OptionalWhitespace.trimmed($0)).lowercased() }
    }
}
