import ArgumentParser
import Client
import HTTP
import Scripting

/// Says in one clear line on standard error why the program cannot go on, and makes it exit with 1.
enum StartFailure {
    /// What a setting asks for cannot be had.
    struct OfSetting: Error {
        /// Where it was given: an option, an environment variable, a line of a file.
        let place: String
        let message: String
    }

    static func exit(_ error: any Error) -> ExitCode {
        StandardError.write("mooncast: \(message(error))\n")
        return .failure
    }

    static func message(_ error: any Error) -> String {
        switch error {
        case let error as ErrorReport: error.text
        case let error as OfSetting: "\(error.place): \(error.message)"
        case let error as SettingSources.Failure: error.message
        case let error as EventSourceFailure: Visible.text(error.description)
        case let error as ScriptDirectory.Failure: error.message
        case let error as ListeningSocket.Failure: error.description
        case let error as ListenFailure: error.message
        case let error as MissingRedis: error.description
        default: "\(error)"
        }
    }
}
