import NIOCore

/// What is said on a new connection before anything else. All of it goes out at once.
struct RedisHandshake {
    enum Outcome: Equatable {
        case incomplete
        case done
        case refused(String)
        /// The server is there, and loads its data.
        case loading(String)
    }

    private enum Step {
        case authenticate
        case select
        case setName
        case role
        /// Tells whether Redis serves: it says so, or asks for a password, or loads its data.
        case ping
    }

    private let url: RedisURL
    private let name: String
    private var steps: CircularBuffer<Step> = []

    init(_ configuration: RedisConnection.Configuration) {
        url = configuration.url
        name = configuration.name
        if url.password != nil { steps.append(.authenticate) }
        if url.database != 0 { steps.append(.select) }
        if !name.isEmpty { steps.append(.setName) }
        if configuration.requiresPrimary { steps.append(.role) }
        steps.append(.ping)
    }

    var commands: [RedisCommand] { steps.map(command) }

    private func command(_ step: Step) -> RedisCommand {
        switch step {
        case .authenticate:
            var command = RedisCommand("AUTH")
            if let user = url.user { command.append(user) }
            command.append(url.password ?? "")
            return command
        case .select: return RedisCommand("SELECT", String(url.database))
        case .setName: return RedisCommand("CLIENT", "SETNAME", name)
        case .role: return RedisCommand("ROLE")
        case .ping: return RedisCommand("PING")
        }
    }

    /// Takes the next reply.
    mutating func receive(_ value: RESPValue) -> Outcome {
        guard let step = steps.popFirst() else { return .done }
        if let reason = refusal(value, of: step) {
            if case .error(let error) = value, error.code == "LOADING" { return .loading(reason) }
            return .refused(reason)
        }
        return steps.isEmpty ? .done : .incomplete
    }

    private func refusal(_ value: RESPValue, of step: Step) -> String? {
        switch (step, value) {
        // On a connection that is refused altogether, the first reply says so, whatever it answers.
        case (_, .error(let error))
        where error.message.hasPrefix("ERR max number of clients") || error.code == "DENIED":
            return "Redis takes no connection: \(error.message)"
        case (.authenticate, .error(let error)): return "Redis refuses the password: \(withoutPassword(error.message))"
        case (.select, .error(let error)) where error.code != "NOAUTH":
            return "Redis refuses database \(url.database): \(error.message)"
        case (.role, .array(let parts)):
            guard case .bulkString(let role)? = parts.first, role != ByteBuffer(string: "master") else { return nil }
            let name = role == ByteBuffer(string: "slave") ? "replica" : String(buffer: role)
            return "this Redis is a \(name), and a primary is needed"
        case (.ping, .error(let error)):
            switch error.code {
            // A user may be allowed everything that is needed but this.
            case "NOPERM": return nil
            case "NOAUTH": return "Redis wants a password: \(error.message)"
            default: return "Redis is not ready: \(error.message)"
            }
        default: return nil
        }
    }

    /// A Redis that does not know AUTH repeats its arguments.
    private func withoutPassword(_ message: String) -> String {
        let cut = message.firstRange(of: ", with args").map { String(message[..<$0.lowerBound]) } ?? message
        guard let password = url.password, !password.isEmpty else { return cut }
        return cut.replacing(password, with: "***")
    }
}
