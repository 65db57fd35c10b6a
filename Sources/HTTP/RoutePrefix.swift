/// A path and all that lies below it: `/admin` covers `/admin` and `/admin/users`, but not `/administrator`.
public struct RoutePrefix: Sendable, Equatable {
    let segments: [String]

    /// Nil for a text that does not begin with `/`. A slash at its end says nothing more.
    public init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if segments.last == "" { segments.removeLast() }
        self.segments = segments
    }

    public func covers(_ target: RequestTarget) -> Bool { target.segments.starts(with: segments) }
}
