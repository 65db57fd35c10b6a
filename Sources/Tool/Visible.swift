/// Text from elsewhere, for a terminal: what would steer the terminal is shown instead.
enum Visible {
    /// Control characters become their pictures (U+2400 and on), all but the tab; those of C1, which have none, and the
    /// marks that turn the direction of text become U+FFFD.
    static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { picture(of: $0) != nil }) else { return text }
        var visible = ""
        for scalar in text.unicodeScalars { visible.unicodeScalars.append(picture(of: scalar) ?? scalar) }
        return visible
    }

    private static func picture(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x09: nil
        case 0x00...0x1F: Unicode.Scalar(0x2400 + scalar.value)
        case 0x7F: "\u{2421}"
        case 0x80...0x9F, 0x202A...0x202E, 0x2066...0x2069: "\u{FFFD}"
        default: nil
        }
    }
}
