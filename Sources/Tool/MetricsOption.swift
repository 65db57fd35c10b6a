import ArgumentParser
import Metrics
import Scripting

/// The value of `--metrics`. A directory is none: in `serve --metrics DIR` the option stands alone.
enum MetricsOption: ExpressibleByArgument, CustomStringConvertible {
    case address(MetricsAddress)
    case invalid(String)

    static let standard = MetricsOption.address(.standard)

    init?(argument: String) {
        if let address = MetricsAddress(argument) {
            self = .address(address)
        } else if !argument.isEmpty, (try? ScriptDirectory(argument)) != nil {
            return nil
        } else {
            self = .invalid(argument)
        }
    }

    var description: String {
        switch self {
        case .address(let address): address.description
        case .invalid(let text): text
        }
    }
}
