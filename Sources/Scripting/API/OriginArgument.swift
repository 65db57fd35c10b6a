import HTTP

/// Origins from scripts. One that no browser sends, and that would let nobody in, is refused.
enum OriginArgument {
    /// What is wrong, as a sentence's end.
    struct Invalid: Error { let reason: String }

    private static let form =
        "an origin such as 'https://example.com' (in lower case, without a path or the scheme's own port)"

    /// `*`, or an origin.
    static func one(_ text: String) throws(Invalid) -> String {
        guard text == "*" || OriginSyntax.isValid(text) else {
            throw Invalid(reason: "must be '*' or \(form), got '\(text)'")
        }
        return text
    }

    /// Origins; nil for a `*`, which stands for any and alone.
    static func list(_ texts: [String]) throws(Invalid) -> [String]? {
        guard texts != ["*"] else { return nil }
        for text in texts where !OriginSyntax.isValid(text) {
            if text == "*" { throw Invalid(reason: "must not name others besides '*'") }
            throw Invalid(reason: "must be a list of origins, each \(form), got '\(text)'")
        }
        return texts
    }
}
