import HTTP

/// What scripts have said of pages of other origins. As in Blazium, any of them may read at first.
struct CORSSettings {
    var isEnabled = true
    var origins = CORSPolicy.Origins.always("*")
    /// Kept while no origin is named, and without effect until then.
    var allowsCredentials = false

    var policy: CORSPolicy? { isEnabled ? CORSPolicy(origins, allowsCredentials: allowsCredentials) : nil }

    var originList: [String] {
        switch origins {
        case .always(let origin): [origin]
        case .oneOf(let list): list
        }
    }
}
