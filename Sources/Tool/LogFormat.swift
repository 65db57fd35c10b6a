import ArgumentParser
import Logging

/// How the log is written.
enum LogFormat: String, SettingValue, CaseIterable {
    case text, json

    func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "mooncast") { _ in StreamLogHandler(format: self) }
        logger.logLevel = level
        return logger
    }
}

extension Logger {
    /// For libraries whose own news nobody asked for.
    var quiet: Logger {
        var logger = self
        logger.logLevel = max(logLevel, .error)
        return logger
    }
}
