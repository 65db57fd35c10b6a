import Lua
import PubSub

/// What scripts are told when a broker does not do what they ask for.
extension BrokerFailure {
    var error: ErrorConstants {
        switch self {
        case .queueFull: .busy
        case .unreachable: .connectionError
        case .tooOld: .timeout
        case .outOfMemory: .outOfMemory
        case .refused: .failed
        }
    }

    /// Leaves nil and the Error number.
    func push(on stack: LuaStack) -> Int {
        stack.pushNil()
        stack.push(error.rawValue)
        return 2
    }
}
