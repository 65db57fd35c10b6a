import Lua

/// Godot's error numbers, as globals; `error_string(33)` is "ERR_DOES_NOT_EXIST".
enum ErrorConstants: Int, CaseIterable {
    case ok = 0
    case failed = 1
    case unavailable = 2
    case unconfigured = 3
    case unauthorized = 4
    case parameterRange = 5
    case outOfMemory = 6
    case fileNotFound = 7
    case fileNoPermission = 10
    case cantOpen = 19
    case cantCreate = 20
    case alreadyInUse = 22
    case timeout = 24
    case cantConnect = 25
    case connectionError = 27
    case invalidData = 30
    case invalidParameter = 31
    case alreadyExists = 32
    case doesNotExist = 33
    case parseError = 43
    case busy = 44

    var name: String {
        switch self {
        case .ok: "OK"
        case .failed: "FAILED"
        case .unavailable: "ERR_UNAVAILABLE"
        case .unconfigured: "ERR_UNCONFIGURED"
        case .unauthorized: "ERR_UNAUTHORIZED"
        case .parameterRange: "ERR_PARAMETER_RANGE_ERROR"
        case .outOfMemory: "ERR_OUT_OF_MEMORY"
        case .fileNotFound: "ERR_FILE_NOT_FOUND"
        case .fileNoPermission: "ERR_FILE_NO_PERMISSION"
        case .cantOpen: "ERR_CANT_OPEN"
        case .cantCreate: "ERR_CANT_CREATE"
        case .alreadyInUse: "ERR_ALREADY_IN_USE"
        case .timeout: "ERR_TIMEOUT"
        case .cantConnect: "ERR_CANT_CONNECT"
        case .connectionError: "ERR_CONNECTION_ERROR"
        case .invalidData: "ERR_INVALID_DATA"
        case .invalidParameter: "ERR_INVALID_PARAMETER"
        case .alreadyExists: "ERR_ALREADY_EXISTS"
        case .doesNotExist: "ERR_DOES_NOT_EXIST"
        case .parseError: "ERR_PARSE_ERROR"
        case .busy: "ERR_BUSY"
        }
    }

    static func register(in state: LuaState) {
        for code in allCases {
            state.stack.push(code.rawValue)
            state.setGlobal(code.name)
        }
        state.pushFunction("error_string", arguments: 1...1) { call throws(LuaError) in
            let number = try call.integer(1, "error")
            return call.returning(ErrorConstants(rawValue: number)?.name ?? "(invalid error code)")
        }
        state.setGlobal("error_string")
    }
}
