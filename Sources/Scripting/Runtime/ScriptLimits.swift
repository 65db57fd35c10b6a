/// What scripts are held to.
public struct ScriptLimits: Sendable {
    /// How long one entrance (a handler, a callback, a tick) may run before it waits or returns; waiting does not count.
    public var budget: Duration
    /// The same for a script's top level while it loads.
    public var loadBudget: Duration
    /// Bytes that all Lua values together may take.
    public var memory: Int

    /// 500 ms of running, 5 s while loading, 256 MiB.
    public init(budget: Duration = .milliseconds(500), loadBudget: Duration = .seconds(5), memory: Int = 256 << 20) {
        self.budget = budget
        self.loadBudget = loadBudget
        self.memory = memory
    }
}
