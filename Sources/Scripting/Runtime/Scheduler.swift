import Delivery
import Lua
import NIOCore

/// What the scheduler tells of tasks that answer requests.
protocol HandlerObserver: AnyObject {
    func handlerWaits(_ response: ResponseObject, _ task: ScriptTask)
    func handlerEnded(_ response: ResponseObject, _ ending: ScriptTask.Ending)
}

/// Runs tasks: one at a time, each in its coroutine, each entrance under a budget. Lives on the script loop.
final class Scheduler {
    let state: LuaState
    let timers: LoopTimers
    private let loop: any EventLoop
    private let limits: ScriptLimits
    private let reporter: ErrorReporter
    /// Told what becomes of handlers; other tasks have closures of their own.
    unowned var handlers: (any HandlerObserver)?
    /// Told of every fault, once.
    var onFault: (ErrorReport, ScriptTask.Origin) -> Void = { _, _ in }

    /// Nanoseconds.
    private let budget: Int64

    private(set) var current: ScriptTask?
    /// Calls are counted by their own kind; the time of what runs inside another is that one's.
    private(set) var times = Statistics().scripts.times
    private var lastID: UInt64 = 0
    private var lastTicket: UInt64 = 0
    private var waiting: [UInt64: ScriptTask] = [:]
    /// Tasks whose wait is over and that go on in the next turn.
    private var woken: [UInt64: ScriptTask] = [:]
    /// Entrances that begin in the loop's next turn, so that sockets are served between them.
    private var ready: [() -> Void] = []
    private var turnIsScheduled = false
    private var hasEnded = false

    init(state: LuaState, loop: any EventLoop, timers: LoopTimers, limits: ScriptLimits, reporter: ErrorReporter) {
        self.state = state
        self.loop = loop
        self.timers = timers
        self.limits = limits
        self.budget = limits.budget.wholeNanoseconds
        self.reporter = reporter
    }

    /// Tasks that wait.
    var waitingCount: Int { waiting.count }

    // MARK: starting

    /// A task whose function and arguments the caller pushes on its coroutine, before `run`.
    func makeTask(_ origin: ScriptTask.Origin) -> ScriptTask {
        lastID += 1
        var budget = self.budget
        if case .loading = origin { budget = limits.loadBudget.wholeNanoseconds }
        return ScriptTask(id: lastID, origin: origin, coroutine: state.takeCoroutine(), budget: budget)
    }

    /// Starts a task for a callback, with the arguments that `push` leaves on the stack.
    @discardableResult
    func start(_ origin: ScriptTask.Origin, _ function: LuaReference, push: (LuaStack) -> Int = { _ in 0 })
        -> ScriptTask
    {
        let task = makeTask(origin)
        task.coroutine.stack.push(function)
        run(task, arguments: push(task.coroutine.stack))
        return task
    }

    /// Runs a task until it waits or ends. Inside another task, on that one's budget.
    func run(_ task: ScriptTask, arguments: Int) {
        let outer = current
        if outer == nil { state.startBudget(nanoseconds: task.budget) }
        current = task
        if !task.hasBegun {
            task.hasBegun = true
            if let kind = task.origin.kind { times[kind.rawValue].calls += 1 }
        }
        let start = outer == nil ? NIODeadline.now() : .distantPast
        let outcome = task.coroutine.resume(arguments: arguments, from: outer?.coroutine.stack)
        current = outer
        if outer == nil, let kind = task.origin.kind {
            times[kind.rawValue].nanoseconds += Int((NIODeadline.now() - start).nanoseconds)
        }
        if case .waiting = outcome {} else if task.ticket != 0 { stopWaiting(task) }
        switch outcome {
        case .waiting: if case .handler(let response) = task.origin { handlers?.handlerWaits(response, task) }
        case .done:
            task.onResults?()
            state.giveBack(task.coroutine)
            end(task, .returned)
        case .failed, .overtime, .outOfMemory: fail(task, outcome)
        }
    }

    private func fail(_ task: ScriptTask, _ outcome: LuaCoroutine.Outcome) {
        let found = reporter.report(outcome, budget: task.budget) { task.coroutine.traceback() }
        let closing = task.coroutine.end()
        if case .outOfMemory = outcome { state.collectGarbage() }
        guard let found else { return }
        onFault(found, task.origin)
        if let closing { onFault(reporter.report(message: closing), task.origin) }  // a `<close>` variable raised too
        end(task, .failed(found))
    }

    private func end(_ task: ScriptTask, _ ending: ScriptTask.Ending) {
        if case .handler(let response) = task.origin { handlers?.handlerEnded(response, ending) }
        task.whenEnded?(ending)
    }

    /// Runs `body` as an entrance of its own in the loop's next turn.
    func nextTurn(_ body: @escaping () -> Void) {
        guard !hasEnded else { return }
        ready.append(body)
        guard !turnIsScheduled else { return }
        turnIsScheduled = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.takeTurn() }
    }

    private func takeTurn() {
        turnIsScheduled = false
        let bodies = ready
        ready = []
        for body in bodies { body() }
    }

    /// Forgets every task that waits: nothing of the scripts runs any more.
    func end() {
        hasEnded = true
        ready = []
        woken = [:]
        for task in waiting.values { stopWaiting(task) }
    }

    // MARK: waiting

    /// A new ticket for the running task to wait under.
    func newTicket() throws(LuaError) -> UInt64 {
        guard let current else { throw .message("cannot wait here: no task is running") }
        if current.ticket != 0 { stopWaiting(current) }  // one that was taken and never waited under
        lastTicket += 1
        current.ticket = lastTicket
        waiting[lastTicket] = current
        return lastTicket
    }

    /// Ends the wait under a ticket after a time, as if woken with `nil, "timeout"`, or with nothing. What is due
    /// already goes on in the loop's next turn.
    func setTimeout(_ ticket: UInt64, at deadline: NIODeadline, sayTimeout: Bool) {
        guard deadline > timers.now else { return nextTurn { [unowned self] in timeOut(ticket, sayTimeout) } }
        waiting[ticket]?.timer = timers.schedule(at: deadline) { [unowned self] in timeOut(ticket, sayTimeout) }
    }

    private func timeOut(_ ticket: UInt64, _ sayTimeout: Bool) {
        guard let task = waiting[ticket] else { return }
        task.timer = nil
        stopWaiting(task)
        if sayTimeout {
            task.coroutine.stack.pushNil()
            task.coroutine.stack.push("timeout")
        }
        run(task, arguments: sayTimeout ? 2 : 0)
    }

    /// Ends the wait under a ticket: the task goes on in a turn of its own with the values that `push` leaves on its
    /// stack. False when nobody waits under it any more.
    func wake(_ ticket: UInt64, push: (LuaStack) -> Int) -> Bool {
        guard let task = waiting[ticket] else { return false }
        stopWaiting(task)
        task.wakeArguments = push(task.coroutine.stack)
        woken[task.id] = task
        nextTurn { [unowned self] in
            guard woken.removeValue(forKey: task.id) != nil else { return }
            run(task, arguments: task.wakeArguments)
        }
        return true
    }

    private func stopWaiting(_ task: ScriptTask) {
        waiting[task.ticket] = nil
        task.ticket = 0
        if let timer = task.timer { timers.cancel(timer) }
        task.timer = nil
    }

    /// Ends a task that waits, where it waits; its `<close>` variables run. One that runs or has ended is left alone.
    func cancel(_ task: ScriptTask) {
        if task.ticket != 0 {
            stopWaiting(task)
        } else {
            guard woken.removeValue(forKey: task.id) != nil else { return }
        }
        if let message = task.coroutine.end() { onFault(reporter.report(message: message), task.origin) }
        end(task, .cancelled)
    }
}
