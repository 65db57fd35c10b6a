internal import CLua

/// One Lua interpreter. Not thread-safe and not Sendable: one thread at a time may use it.
///
/// Lua errors never cross a frame of Swift: everything that can raise runs inside the functions of `CLua` that return
/// an outcome. Bytecode is refused, `debug` is absent, and Lua code runs under a memory limit and a time budget.
public final class LuaState {
    /// The default of `memoryLimit`: 256 MiB.
    public static let defaultMemoryLimit = 256 << 20

    /// The main thread's stack. Code runs on coroutines, not on it.
    public let stack: LuaStack
    let releases = ReleaseQueue()
    private var functions: [HostFunction] = []
    private var idle: [LuaCoroutine] = []

    /// - Parameter memoryLimit: bytes that Lua values may take while Lua code runs.
    public init(memoryLimit: Int = LuaState.defaultMemoryLimit) throws(LuaError) {
        let owner = UnsafeMutablePointer<Unmanaged<LuaState>?>.allocate(capacity: 1)
        owner.initialize(to: nil)
        let host = CLuaHost(context: owner, call: callHost, release: releaseObject)
        guard let main = clua_open(host, memoryLimit) else {
            owner.deallocate()
            throw .noInterpreter
        }
        self.stack = LuaStack(thread: main)
        self.owner = owner
        owner.pointee = Unmanaged.passUnretained(self)
    }

    /// Where C finds this object: a box, because C is given its address before `self` exists.
    private let owner: UnsafeMutablePointer<Unmanaged<LuaState>?>

    deinit {
        clua_close(stack.thread)
        owner.deallocate()
    }

    // MARK: memory

    /// Fits the process's allocator to Lua's garbage. Once, before anything else.
    public static func tuneAllocator() { clua_tune_allocator() }

    /// Bytes that Lua values take now.
    public var memoryUsed: Int { clua_memory_used(stack.thread) }

    public func setMemoryLimit(_ bytes: Int) { clua_set_memory_limit(stack.thread, bytes) }

    /// Tells the collector of memory outside Lua that dies with Lua values, so that it keeps pace with that too.
    public func noteMemory(kilobytes: Int) { clua_note_memory(stack.thread, Int32(kilobytes)) }

    /// A full garbage collection.
    public func collectGarbage() {
        releaseQueued()
        clua_collect(stack.thread)
    }

    /// For tests: refuses every allocation of Lua code after the next `count`; nil stops it.
    public func refuseMemory(after count: Int?) { clua_refuse_memory_after(stack.thread, Int64(count ?? -1)) }

    private func releaseQueued() {
        for number in releases.drain() { clua_release_reference(stack.thread, number) }
    }

    // MARK: values

    /// Holds on to the value on top of `stack`, and pops it.
    public func popReference(from stack: LuaStack) -> LuaReference {
        releaseQueued()
        return LuaReference(number: clua_reference(stack.thread), queue: releases)
    }

    /// Sets a global to the value on top of the main stack, and pops it.
    public func setGlobal(_ name: String) {
        clua_push_globals(stack.thread)
        clua_insert(stack.thread, -2)
        stack.setField(name, of: -2)
        stack.pop()
    }

    public func pushGlobal(_ name: String) {
        clua_push_globals(stack.thread)
        stack.pushField(name, of: -1)
        clua_remove(stack.thread, -2)
    }

    // MARK: code

    /// Compiles source text. `name` is what messages call it ("hello.lua").
    /// - Throws: `LuaError.message` with file and line for a syntax error or for bytecode.
    public func compile(_ source: some Collection<UInt8>, name: String) throws(LuaError) -> LuaReference {
        let outcome = Array(source).withUnsafeBytes { bytes in
            clua_load(
                stack.thread, bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? emptySource, bytes.count,
                "@" + name)
        }
        guard outcome == CLUA_DONE else {
            defer { stack.pop() }
            throw .message(stack.string(at: -1) ?? "")
        }
        return popReference(from: stack)
    }

    /// Calls the function under its `arguments` on the main stack, to its end; its results replace them.
    /// For the host's own short calls: waiting inside is an error.
    public func call(arguments: Int, results: Int) throws(LuaError) {
        releaseQueued()
        guard clua_call(stack.thread, Int32(arguments), Int32(results)) != CLUA_DONE else { return }
        defer { stack.pop() }
        throw .message(stack.description(at: -1))
    }

    /// From now on the code of this entrance may run for `duration`.
    public func startBudget(_ duration: Duration) { startBudget(nanoseconds: duration.wholeNanoseconds) }

    /// The same in nanoseconds, which for an entrance of a microsecond are cheaper to hand over than a `Duration`.
    public func startBudget(nanoseconds: Int64) {
        clua_start_budget(stack.thread, nanoseconds)
    }

    // MARK: coroutines

    /// A coroutine to run a function on; used again after it is given back.
    public func takeCoroutine() -> LuaCoroutine {
        releaseQueued()
        if let coroutine = idle.popLast() { return coroutine }
        let thread = clua_new_coroutine(stack.thread)
        return LuaCoroutine(stack: LuaStack(thread: thread), anchor: popReference(from: stack))
    }

    /// Takes back a coroutine whose function has returned.
    public func giveBack(_ coroutine: LuaCoroutine) {
        coroutine.stack.truncate(to: 0)
        if idle.count < 256 { idle.append(coroutine) }
    }

    // MARK: host functions

    /// Adds a host function to the dispatch table and returns its number.
    func add(_ function: HostFunction) -> Int32 {
        functions.append(function)
        return Int32(functions.count - 1)
    }

    /// Pushes a host function that has no receiver.
    /// - Parameters:
    ///   - name: what messages call it ("JSON.encode").
    ///   - arguments: how many it takes.
    public func pushFunction(
        _ name: String, arguments: ClosedRange<Int>, on stack: LuaStack? = nil, _ body: @escaping HostFunction.Body
    ) {
        clua_push_function(
            (stack ?? self.stack).thread, add(HostFunction(name: name, receiver: 0, arguments: arguments, body: body)))
    }

    fileprivate func dispatch(thread: OpaquePointer, function number: Int) -> Int32 {
        let function = functions[number]
        let call = LuaCall(stack: LuaStack(thread: thread), state: self, receiver: function.receiver)
        let found = call.stack.count - function.receiver
        do throws(LuaError) {
            guard function.arguments.contains(found) else {
                throw .argumentCount(expected: function.arguments, found: found)
            }
            switch try function.body(call) {
            case .results(let count): return Int32(count)
            case .wait: return Int32(CLUA_WAIT)
            case .raise: return Int32(CLUA_ERROR)
            }
        } catch {
            let place = call.callerPlace
            let parts = [place, function.name, error.description].filter { !$0.isEmpty }
            call.stack.push(parts.joined(separator: ": "))
            return Int32(CLUA_ERROR)
        }
    }
}

private func callHost(context: UnsafeMutableRawPointer?, thread: OpaquePointer, function: Int32) -> Int32 {
    let owner = context!.assumingMemoryBound(to: Unmanaged<LuaState>?.self)
    return owner.pointee!._withUnsafeGuaranteedRef { $0.dispatch(thread: thread, function: Int(function)) }
}

private func releaseObject(context: UnsafeMutableRawPointer?, object: UnsafeMutableRawPointer) {
    Unmanaged<AnyObject>.fromOpaque(object).release()
}

nonisolated(unsafe) private let emptySource: UnsafePointer<CChar> = {
    // Never freed: one byte for the process.
    let start = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    start.pointee = 0
    return UnsafePointer(start)
}()
