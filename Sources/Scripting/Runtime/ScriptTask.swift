import Delivery
import HTTP
import HTTPTypes
import Lua

/// One entrance into the scripts: a coroutine, what it is for, and what it waits for.
final class ScriptTask {
    /// What started it, as reports name it.
    enum Origin {
        case loading(file: String)
        case handler(ResponseObject)
        /// No kind: a callback of the prelude's, which is not counted.
        case callback(String, CallbackKind?)

        var label: String {
            switch self {
            case .loading(let file): "loading \(file)"
            case .handler(let response): "\(response.request.method.rawValue) \(response.request.target.path)"
            case .callback(let name, _): name
            }
        }

        var kind: CallbackKind? {
            switch self {
            case .loading: .load
            case .handler: .handler
            case .callback(_, let kind): kind
            }
        }
    }

    enum Ending {
        case returned
        case failed(ErrorReport)
        /// Its client left while it waited.
        case cancelled
    }

    let id: UInt64
    let origin: Origin
    let coroutine: LuaCoroutine
    /// Nanoseconds.
    let budget: Int64
    /// What it waits under; 0 while it does not wait.
    var ticket: UInt64 = 0
    var timer: LoopTimers.Token?
    /// Values that a wake-up has left on its stack.
    var wakeArguments = 0
    var hasBegun = false
    /// Whether it goes on when its client has left.
    var isDetached = false
    /// Called with its results on its stack, before `whenEnded`.
    var onResults: (() -> Void)?
    var whenEnded: ((Ending) -> Void)?

    init(id: UInt64, origin: Origin, coroutine: LuaCoroutine, budget: Int64) {
        self.id = id
        self.origin = origin
        self.coroutine = coroutine
        self.budget = budget
    }
}
