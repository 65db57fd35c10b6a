import ArgumentParser
import Client
import HTTP
import Scripting

/// Says in one clear line on standard error why the program cannot go on, and makes it exit with 1.
enum StartFailure {
    /// What a flag asks for cannot be had.
    struct OfFlag: Error {
        let flag: String
        let message: String
    }

    static func exit(_ error: any Error) -> ExitCode {
        StandardError.write("mooncast: \(message(error))\n")
        return .failure
    }

    static func message(_ error: any Error) -> String {
        switch error {
        case let error as ErrorReport: error.text
        case let error as OfFlag: "\(error.flag): \(error.message)"
        case let error as EventSourceFailure: Visible.text(error.description)
        case let error as ScriptDirectory.Failure: error.message
        case let error as ListeningSocket.Failure: error.description
        default: "\(error)"
        }
    }
}
