import Delivery
import Lua
import NIOCore

/// The tables that scripts have returned, with Godot's callbacks. Lives on the script loop.
final class Nodes {
    private final class Node {
        let table: LuaReference
        let file: String
        var isProcessing = false
        var lastTick: NIODeadline

        init(table: LuaReference, file: String, now: NIODeadline) {
            self.table = table
            self.file = file
            self.lastTick = now
        }
    }

    private let scheduler: Scheduler
    private var nodes: [Node] = []
    private var timer: LoopTimers.Token?
    private var isTicking = false
    /// Ticks per second; 0 for none.
    var ticksPerSecond = 20.0 {
        didSet { if isTicking { restartTicks() } }
    }

    init(scheduler: Scheduler) { self.scheduler = scheduler }

    func add(_ table: LuaReference, file: String) {
        nodes.append(Node(table: table, file: file, now: scheduler.timers.now))
    }

    /// Calls a callback of every node that has it, one after the other, and then `done` with the first fault.
    func callAll(_ name: String, done: @escaping (ErrorReport?) -> Void) {
        callNext(name, nodes[...], nil, done)
    }

    private func callNext(
        _ name: String, _ rest: ArraySlice<Node>, _ fault: ErrorReport?, _ done: @escaping (ErrorReport?) -> Void
    ) {
        guard let node = rest.first else { return done(fault) }
        guard let task = makeTask(name, node) else { return callNext(name, rest.dropFirst(), fault, done) }
        task.whenEnded = { [unowned self] ending in
            var fault = fault
            if case .failed(let report) = ending, fault == nil { fault = report }
            callNext(name, rest.dropFirst(), fault, done)
        }
        scheduler.run(task, arguments: 1)
    }

    /// A task for a callback with the node as its argument; nil when the node does not have it.
    private func makeTask(_ name: String, _ node: Node) -> ScriptTask? {
        let stack = scheduler.state.stack
        stack.push(node.table)
        stack.pushField(name, of: -1)
        guard stack.type(at: -1) == .function else {
            stack.pop(2)
            return nil
        }
        let function = scheduler.state.popReference(from: stack)
        stack.pop()
        let label = "\(node.file) \(name)"
        // A `_ready` belongs to loading: it has the time of a script that loads, and whoever loads tells its fault.
        let task = scheduler.makeTask(name == "_ready" ? .loading(file: label) : .callback(label, .node))
        task.coroutine.stack.push(function)
        task.coroutine.stack.push(node.table)
        return task
    }

    // MARK: ticks

    func startTicks() {
        isTicking = true
        restartTicks()
    }

    func stopTicks() {
        isTicking = false
        if let timer { scheduler.timers.cancel(timer) }
        timer = nil
    }

    private func restartTicks() {
        if let timer { scheduler.timers.cancel(timer) }
        timer = nil
        let now = scheduler.timers.now
        for node in nodes { node.lastTick = now }
        scheduleTick()
    }

    private func scheduleTick() {
        guard isTicking, ticksPerSecond > 0, nodes.contains(where: processes) else { return }
        let period = TimeAmount.nanoseconds(Int64(min(1e9 / ticksPerSecond, 1e18)))
        // From now, not from the tick that was due: late ticks are not made up.
        timer = scheduler.timers.schedule(after: period) { [unowned self] in tick() }
    }

    private func processes(_ node: Node) -> Bool {
        let stack = scheduler.state.stack
        stack.push(node.table)
        stack.pushField("_process", of: -1)
        defer { stack.pop(2) }
        return stack.type(at: -1) == .function
    }

    private func tick() {
        timer = nil
        let now = scheduler.timers.now
        scheduleTick()
        for node in nodes where !node.isProcessing {
            guard let task = makeTask("_process", node) else { continue }
            // Since its own last call: one that waited through several ticks is told of all that time.
            let delta = Double((now - node.lastTick).nanoseconds) / 1e9
            node.lastTick = now
            node.isProcessing = true
            task.whenEnded = { _ in node.isProcessing = false }
            task.coroutine.stack.push(delta)
            scheduler.run(task, arguments: 2)
        }
    }
}
