public import HTTPTypes

/// Which pages of other origins may read what is answered (Fetch, "CORS protocol"). Immutable; a change makes a new one.
public struct CORSPolicy: Sendable, Equatable {
    public enum Origins: Sendable, Equatable {
        /// This very text with every response: `*`, or one origin. Such responses are the same for all.
        case always(String)
        /// The request's own, where it is one of these.
        case oneOf([String])
    }

    public let origins: Origins
    /// Whether a page may read what was asked with cookies and the like. `*` lets nobody: an origin must be named.
    public let allowsCredentials: Bool
    /// Of `always`, made once.
    private let allowOrigin: HTTPField?

    public init(_ origins: Origins = .always("*"), allowsCredentials: Bool = false) {
        self.origins = origins
        self.allowsCredentials = allowsCredentials
        allowOrigin =
            switch origins {
            case .always(let origin): HTTPField(name: .accessControlAllowOrigin, value: origin)
            case .oneOf: nil
            }
    }

    /// Adds to a response what lets pages read it. What is there already stays as it is: with an
    /// `Access-Control-Allow-Origin` of its own a response decides itself.
    public func apply(to fields: inout HTTPFields, origin: String?) {
        let names = Self.exposed(fields)  // of the response's own: what is added here is not among them
        guard admit(origin, in: &fields), let names else { return }
        fields.append(HTTPField(name: .accessControlExposeHeaders, value: names))
    }

    private func admit(_ origin: String?, in fields: inout HTTPFields) -> Bool {
        guard !fields.contains(.accessControlAllowOrigin) else { return true }
        if let allowOrigin { fields.append(allowOrigin) }
        switch origins {
        case .always("*"): return true
        case .always: break
        case .oneOf(let list):
            Vary.add(.origin, to: &fields)
            guard let origin, let named = list.first(where: { $0 == origin }) else { return false }
            fields.append(HTTPField(name: .accessControlAllowOrigin, value: named))
        }
        if allowsCredentials, !fields.contains(.accessControlAllowCredentials) { fields.append(Self.allowCredentials) }
        return true
    }

    private static let allowCredentials = HTTPField(name: .accessControlAllowCredentials, value: "true")

    // MARK: headers that pages may read

    /// Those that pages may read anyway (Fetch, "CORS-safelisted response-header name") or never, and those that
    /// are between the server and its proxies. Each response's fields are asked for: by length, most are compared once.
    private static func isUnexposed(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: name == "date" || name == "vary"
        case 6: name == "pragma"
        case 7: name == "expires"
        case 10: name == "set-cookie" || name == "connection"
        case 12: name == "content-type"
        case 13: name == "cache-control" || name == "last-modified"
        case 14: name == "content-length"
        case 16: name == "content-language"
        case 17: name == "x-accel-buffering"
        default: false
        }
    }

    /// The names of what else a response holds: who may read its body may read its head. Not `*`, which does not hold
    /// for requests with credentials.
    private static func exposed(_ fields: HTTPFields) -> String? {
        var names: [String] = []
        for field in fields where !isUnexposed(field.name.canonicalName) {
            guard field.name != .accessControlExposeHeaders else { return nil }
            guard !field.name.canonicalName.hasPrefix("access-control-"), !names.contains(field.name.rawName) else {
                continue
            }
            names.append(field.name.rawName)
        }
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }

    // MARK: preflights

    /// Seconds for which a browser need not ask again; Chromium takes no more.
    private static let maxAge = "7200"

    /// The answer to a preflight (Fetch, "CORS-preflight request"), without what `apply` adds; nil for any other OPTIONS request. It is the
    /// same for every path, so that a page is told of 404 and 405 as such.
    func preflight(_ headers: HTTPFields) -> Response? {
        guard let origin = headers[.origin], headers.contains(.accessControlRequestMethod) else { return nil }
        var fields: HTTPFields = [.vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]
        if admits(origin) {
            fields[.accessControlAllowMethods] = AllowedMethods.all
            fields[.accessControlAllowHeaders] = Self.allowedHeaders(headers[values: .accessControlRequestHeaders])
            fields[.accessControlMaxAge] = Self.maxAge
        }
        return Response(status: .noContent, headers: fields)
    }

    private func admits(_ origin: String) -> Bool {
        switch origins {
        case .always: true
        case .oneOf(let list): list.contains(origin)
        }
    }

    /// What clients of event streams and of MCP send.
    private static let requestHeaders = [
        "Content-Type", "Authorization", "Last-Event-ID", "Cache-Control", "Accept", "MCP-Session-Id",
        "MCP-Protocol-Version",
    ]

    /// Those, and what is asked for besides, if that is a list of names (RFC 9110, 5.6.1).
    private static func allowedHeaders(_ asked: [String]) -> String {
        var names = requestHeaders
        var known = Set(names.map { $0.lowercased() })
        for element in asked.flatMap({ $0.utf8.split(separator: UInt8(ascii: ",")) }) {
            let text = String(decoding: OptionalWhitespace.trimmed(element), as: UTF8.self)
            guard !text.isEmpty else { continue }
            guard let name = HTTPField.Name(text) else { return requestHeaders.joined(separator: ", ") }
            if known.insert(name.canonicalName).inserted { names.append(name.rawName) }
        }
        return names.joined(separator: ", ")
    }
}
