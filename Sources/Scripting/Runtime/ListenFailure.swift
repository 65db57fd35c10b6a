/// Why a script does not listen where it wanted to, as a line for the terminal.
public struct ListenFailure: Error, Sendable, Equatable { public let message: String }
