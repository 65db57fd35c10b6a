import Delivery
import Logging
import Lua
import NIOCore

/// What the prelude is built on: a table of functions that only it has.
struct HostPrimitives {
    unowned let runtime: Runtime

    init(runtime: Runtime) { self.runtime = runtime }

    func makeTable() -> LuaReference {
        let state = runtime.state
        state.stack.pushTable()
        addTasks()
        addWaits()
        addMessages()
        addObjects()
        addResponses()
        registerSleep()
        return state.popReference(from: state.stack)
    }

    /// Adds a function to the table on top of the main stack.
    private func add(_ name: String, _ arguments: ClosedRange<Int>, _ body: @escaping HostFunction.Body) {
        runtime.state.pushFunction("", arguments: arguments, body)
        runtime.state.stack.setField(name, of: -2)
    }

    // MARK: tasks

    private static func origin(_ label: String) -> ScriptTask.Origin {
        .callback(label, label == "spawn" ? .task : .signal)
    }

    private func addTasks() {
        // spawn(label, function, …): a coroutine of its own, run at once until it waits.
        add("spawn", 2...255) { [unowned runtime] call throws(LuaError) in
            try call.stack.reserve(8)
            let task = runtime.scheduler.makeTask(Self.origin(try call.string(1, "label")))
            let count = call.count - 1
            try task.coroutine.stack.reserve(count + 8)
            call.stack.move(count, to: task.coroutine.stack)
            runtime.scheduler.run(task, arguments: count - 1)
            return .none
        }
        // defer(label, function, …): the same in the next turn, as an entrance of its own.
        add("defer", 2...255) { [unowned runtime] call throws(LuaError) in
            let task = runtime.scheduler.makeTask(Self.origin(try call.string(1, "label")))
            let count = call.count - 1
            try task.coroutine.stack.reserve(count + 8)
            call.stack.move(count, to: task.coroutine.stack)
            runtime.scheduler.nextTurn { runtime.scheduler.run(task, arguments: count - 1) }
            return .none
        }
        // emit(signal): in the next turn, each callback as an entrance of its own.
        add("emit", 1...1) { [unowned runtime] call throws(LuaError) in
            call.stack.pushCopy(of: call.index(1))
            let signal = runtime.state.popReference(from: call.stack)
            runtime.scheduler.nextTurn { runtime.emit(signal) }
            return .none
        }
        add("task", 0...0) { [unowned runtime] call in call.returning(Int(runtime.scheduler.current?.id ?? 0)) }
        // at(seconds, label, function): runs the function at that monotonic time; returns what `cancel` takes.
        add("at", 3...3) { [unowned runtime] call throws(LuaError) in
            let deadline = MonotonicSeconds.deadline(try call.number(1, "seconds"))
            let label = try call.string(2, "label")
            let function = try call.function(3, "function")
            return call.returning(
                runtime.callbackTimers.add(at: deadline) { runtime.scheduler.start(.callback(label, nil), function) }
            )
        }
        add("cancel", 1...1) { [unowned runtime] call throws(LuaError) in
            runtime.callbackTimers.cancel(try call.integer(1, "timer"))
            return .none
        }
        add("now", 0...0) { [unowned runtime] call in call.returning(MonotonicSeconds.of(runtime.scheduler.timers.now))
        }
    }

    // MARK: waiting

    private func addWaits() {
        add("ticket", 0...0) { [unowned runtime] call throws(LuaError) in
            try call.checkCanWait()
            return call.returning(Int(try runtime.scheduler.newTicket()))
        }
        // wait(ticket, seconds or nil): what `wake` gives, or nil, "timeout".
        add("wait", 2...2) { [unowned runtime] call throws(LuaError) in
            let ticket = UInt64(try call.integer(1, "ticket"))
            if !call.isMissing(2) {
                let amount = TimeAmount.nanoseconds(Int64(min(try call.number(2, "timeout"), 9e9) * 1e9))
                runtime.scheduler.setTimeout(ticket, at: runtime.scheduler.timers.now + amount, sayTimeout: true)
            }
            return .wait
        }
        add("wake", 1...255) { [unowned runtime] call throws(LuaError) in
            let count = call.count - 1
            let woken = runtime.scheduler.wake(UInt64(try call.integer(1, "ticket"))) { stack in
                guard (try? stack.reserve(count + 8)) != nil else { return 0 }
                call.stack.move(count, to: stack)
                return count
            }
            return call.returning(woken)
        }
        add("watch", 3...3) { [unowned runtime] call throws(LuaError) in
            runtime.setListening(
                try call.integer(1, "signal"), callbacks: try call.boolean(2, "callbacks"),
                waiters: try call.boolean(3, "waiters"))
            return .none
        }
    }

    private func registerSleep() {
        let state = runtime.state
        state.pushFunction("sleep", arguments: 1...1) { [unowned runtime] call throws(LuaError) in
            let seconds = try call.number(1, "seconds")
            guard seconds >= 0, seconds <= 9e9 else {
                throw .message("argument 1 (seconds) must be 0 or more, got \(seconds)")
            }
            try call.checkCanWait()
            let scheduler = runtime.scheduler
            let ticket = try scheduler.newTicket()
            scheduler.setTimeout(
                ticket, at: scheduler.timers.now + .nanoseconds(Int64(seconds * 1e9)), sayTimeout: false)
            return .wait
        }
        state.setGlobal("sleep")
    }

    // MARK: messages

    private func addMessages() {
        // argument_error(function, position, name, expected, value)
        add("argument_error", 4...5) { call throws(LuaError) in
            let place = try call.string(1, "function")
            let found = call.count < 5 ? "nothing" : call.stack.kind(at: call.index(5))
            let error = LuaError.argument(
                index: try call.integer(2, "position"), name: try call.string(3, "name"),
                expected: try call.string(4, "expected"), found: found)
            throw .message("\(place): \(error.description)")
        }
        add("unknown_member", 3...3) { call throws(LuaError) in
            let type = try call.string(1, "class")
            let name = call.stack.description(at: call.index(2))
            throw .message("\(type) has no member '\(name)'\(Self.hint(name, call))")
        }
        add("unknown_option", 3...3) { call throws(LuaError) in
            let function = try call.string(1, "function")
            let name = call.stack.description(at: call.index(2))
            throw .message("\(function): unknown option '\(name)'\(Self.hint(name, call))")
        }
        // fail(message): the error is the script's, at its line.
        add("fail", 1...1) { call throws(LuaError) in throw .message(try call.string(1, "message")) }
        // hint(name, …, names): what follows a message about an unknown name
        add("hint", 3...3) { call throws(LuaError) in call.returning(Self.hint(try call.string(1, "name"), call)) }
        add("log_error", 1...1) { [unowned runtime] call throws(LuaError) in
            let message = try call.string(1, "message")
            runtime.log.error("\(call.callerPlace): \(message)")
            return .none
        }
    }

    /// "; did you mean 'x'?" for the closest key of the table at argument 3.
    private static func hint(_ name: String, _ call: LuaCall) -> String {
        var names: [String] = []
        call.stack.forEachPair(of: call.index(3)) { names.append(call.stack.description(at: -2)) }
        return Suggestion.closest(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
    }

    // MARK: responses

    private func addResponses() {
        func argument(_ call: LuaCall) throws(LuaError) -> ResponseObject {
            try runtime.classes.response.argument(1, "response", of: call)
        }
        add("request_of", 1...1) { [unowned runtime] call throws(LuaError) in
            runtime.classes.request.push(try argument(call).requestObject, on: call.stack)
            return .results(1)
        }
        // is_over(response): nothing can reach its client any more.
        add("is_over", 1...1) { call throws(LuaError) in call.returning(try argument(call).isOver) }
        // send(response): it goes out now, not when its handler returns. False when its client has left.
        add("send", 1...1) { [unowned runtime] call throws(LuaError) in
            let response = try argument(call)
            do throws(LuaError) { try ResponseAPI.checkOpen(response) } catch {
                throw .message("HTTPResponse.send: \(error.description)")
            }
            runtime.send(response)
            return call.returning(!response.isAbandoned)
        }
    }

    // MARK: objects

    private func addObjects() {
        add("kind", 1...1) { call in call.returning(call.stack.kind(at: call.index(1))) }
        add("signal_names", 0...1) { [unowned runtime] call in
            var names: [String] = []
            if runtime.classes.connection.object(at: call.index(1), of: call.stack) != nil {
                names = SSEConnectionAPI.signals
            } else if runtime.classes.response.object(at: call.index(1), of: call.stack) != nil {
                names = ResponseAPI.signals
            } else if runtime.classes.channel.object(at: call.index(1), of: call.stack) != nil {
                names = ChannelAPI.signals
            } else if runtime.classes.publisher.object(at: call.index(1), of: call.stack) != nil {
                names = PublisherAPI.signals
            } else if runtime.classes.redis.object(at: call.index(1), of: call.stack) != nil {
                names = RedisAPI.signals
            } else if call.stack.kind(at: call.index(1)) == "HTTPServer" {
                names = HostSignal.allCases.map(\.name)
            }
            guard !names.isEmpty else {
                call.stack.pushNil()
                return .results(1)
            }
            call.stack.pushTable(array: names.count)
            for (index, name) in names.enumerated() {
                call.stack.push(name)
                call.stack.setElement(index + 1, of: -2)
            }
            return .results(1)
        }
        // go_on(request, response): no route is for it; what would answer it without scripts does.
        add("go_on", 2...2) { [unowned runtime] call in
            runtime.classes.response.object(at: call.index(2), of: call.stack)?.goesOn = true
            return .none
        }
        // Keeps an object on which a signal was hung.
        add("pin", 1...1) { [unowned runtime] call in
            if let response = runtime.classes.response.object(at: call.index(1), of: call.stack) {
                ResponseAPI.keep(response, call, runtime)
            }
            guard let connection = runtime.classes.connection.object(at: call.index(1), of: call.stack),
                connection.isActive, connection.pin == nil
            else { return .none }
            call.stack.pushCopy(of: call.index(1))
            connection.pin = runtime.state.popReference(from: call.stack)
            return .none
        }
        add("load_module", 1...1) { [unowned runtime] call throws(LuaError) in
            try ModuleLoader(directory: runtime.directory, state: runtime.state).load(try call.string(1, "name"), call)
        }
    }
}
