/// A route's path: literal segments, `{name}` parameters and a closing `{name...}` for the rest.
public struct RoutePattern: Sendable, Equatable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        case rest(String)

        /// A literal beats a parameter, a parameter beats the rest.
        var rank: Int {
            switch self {
            case .literal: 0
            case .parameter: 1
            case .rest: 2
            }
        }
    }

    /// What is wrong with a pattern, as a sentence's end.
    public struct Invalid: Error, Equatable, Sendable { public let reason: String }

    public let text: String
    let segments: [Segment]

    public init(_ text: String) throws(Invalid) {
        guard text.hasPrefix("/") else { throw Invalid(reason: "must begin with '/'") }
        let braces = "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"
        var segments: [Segment] = []
        var names: Set<String> = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if case .rest = segments.last { throw Invalid(reason: "has a segment after '{name...}'") }
            guard part.hasPrefix("{"), part.hasSuffix("}") else {
                guard !part.contains(where: { $0 == "{" || $0 == "}" }) else {
                    throw Invalid(reason: braces)
                }
                segments.append(.literal(String(part)))
                continue
            }
            var name = part.dropFirst().dropLast()
            let isRest = name.hasSuffix("...")
            if isRest { name = name.dropLast(3) }
            guard !name.contains(where: { $0 == "{" || $0 == "}" }) else { throw Invalid(reason: braces) }
            guard !name.isEmpty else { throw Invalid(reason: "has a parameter without a name") }
            guard names.insert(String(name)).inserted else {
                throw Invalid(reason: "names the parameter '\(name)' twice")
            }
            segments.append(isRest ? .rest(String(name)) : .parameter(String(name)))
        }
        self.text = text
        self.segments = segments
    }

    /// The text of its segments.
    var literalSegments: [String] { segments.compactMap { if case .literal(let text) = $0 { text } else { nil } } }

    /// The parameters, when the path matches. The rest of a path may be empty.
    func match(_ path: [String]) -> [(name: String, value: String)]? {
        var parameters: [(name: String, value: String)] = []
        for (index, segment) in segments.enumerated() {
            if case .rest(let name) = segment {
                guard index < path.count else { return nil }
                parameters.append((name, path[index...].joined(separator: "/")))
                return parameters
            }
            guard index < path.count else { return nil }
            switch segment {
            case .literal(let literal): guard literal == path[index] else { return nil }
            case .parameter(let name):
                guard !path[index].isEmpty else { return nil }
                parameters.append((name, path[index]))
            case .rest: break
            }
        }
        return segments.count == path.count ? parameters : nil
    }

    /// Whether this pattern is the better match for a path that both match.
    func isMoreSpecific(than other: RoutePattern) -> Bool {
        for (mine, theirs) in zip(segments, other.segments) where mine.rank != theirs.rank {
            return mine.rank < theirs.rank
        }
        return false
    }
}
