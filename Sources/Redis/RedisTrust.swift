/// Which servers a `rediss://` URL may lead to.
public enum RedisTrust: Sendable, Equatable {
    /// Those that the system's authorities vouch for.
    case system
    /// Those that the authorities in this PEM file vouch for, and no others.
    case file(String)
    /// Any: the connection is encrypted, and nobody knows with whom.
    case anyone
}
