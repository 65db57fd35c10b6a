/// The signals of `HTTPServer`, which the host emits.
enum HostSignal: Int, CaseIterable {
    case opened = 1, closed, error, started, stopping, completed

    var name: String {
        switch self {
        case .opened: "sse_connection_opened"
        case .closed: "sse_connection_closed"
        case .error: "server_error"
        case .started: "server_started"
        case .stopping: "server_stopping"
        case .completed: "request_completed"
        }
    }
}
