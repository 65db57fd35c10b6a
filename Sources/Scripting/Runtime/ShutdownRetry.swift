/// When clients are told to come back after a shutdown: milliseconds, spread so that they do not all come at once.
public enum ShutdownRetry {
    public static let spread = 1000...5000
}
