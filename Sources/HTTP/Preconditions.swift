import HTTPTypes

/// What the conditions of a GET or HEAD say about a representation, in the order of RFC 9110, 13.2.2.
struct Preconditions {
    enum Outcome: Equatable {
        case proceed
        case notModified
        case failed
    }

    let headers: HTTPFields
    /// Of the representation; nil when it has none.
    let tag: EntityTag?
    /// Seconds since 1970; nil when it has none.
    let lastModified: Int?
    let now: Int

    var outcome: Outcome {
        if let matches = headers[.ifMatch] {
            guard matchesAny(of: matches, { $0.stronglyMatches($1) }) else { return .failed }
        } else if let date = date(.ifUnmodifiedSince), let lastModified {
            guard lastModified <= date else { return .failed }
        }
        if let matches = headers[.ifNoneMatch] {
            if matchesAny(of: matches, { $0.weaklyMatches($1) }) { return .notModified }
        } else if let date = date(.ifModifiedSince), let lastModified {
            if lastModified <= date { return .notModified }
        }
        return .proceed
    }

    /// Whether a `Range` counts: the client has bytes of this very state, or does not say (RFC 9110, 13.1.5).
    var rangeCounts: Bool {
        guard let condition = headers[.ifRange] else { return true }
        if let wanted = EntityTag(condition) { return tag.map { $0.stronglyMatches(wanted) } ?? false }
        guard let date = date(.ifRange), let lastModified else { return false }
        return lastModified == date
    }

    private func matchesAny(of field: String, _ matches: (EntityTag, EntityTag) -> Bool) -> Bool {
        // `*` is true of whatever there is.
        if field.utf8.elementsEqual("*".utf8) { return true }
        guard let tag else { return false }
        return EntityTag.list(field).contains { matches(tag, $0) }
    }

    /// Nil for what is no date, which does not count.
    private func date(_ name: HTTPField.Name) -> Int? {
        headers[name].flatMap { HTTPDate.seconds($0, now: now) }
    }
}
