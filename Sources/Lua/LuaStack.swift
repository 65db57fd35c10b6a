internal import CLua

/// The value stack of one Lua thread. Reads and raw writes only: nothing here runs Lua code or raises.
///
/// Indices are Lua's: positive from the bottom, negative from the top.
public struct LuaStack {
    /// The thread whose stack this is.
    public let thread: OpaquePointer

    public init(thread: OpaquePointer) { self.thread = thread }

    /// The number of values on the stack.
    public var count: Int { Int(clua_top(thread)) }

    /// Makes room for `count` more values; every push of an unknown number asks first.
    public func reserve(_ count: Int) throws(LuaError) {
        guard clua_check_stack(thread, Int32(count)) else { throw .message("stack overflow") }
    }

    /// Whether the entrance has used its time up: a host function that takes long must give up.
    public var isLate: Bool { clua_is_late(thread) }

    public func pop(_ count: Int = 1) { clua_set_top(thread, Int32(-count - 1)) }
    public func truncate(to count: Int) { clua_set_top(thread, Int32(count)) }

    // MARK: reading

    public func type(at index: Int) -> LuaType { LuaType(rawValue: clua_type(thread, Int32(index))) ?? .nil }
    public func isNil(at index: Int) -> Bool { clua_type(thread, Int32(index)) <= 0 }
    public func boolean(at index: Int) -> Bool { clua_to_boolean(thread, Int32(index)) }

    /// An integer, or a float with an integral value; nil for anything else.
    public func integer(at index: Int) -> Int? {
        var value: Int64 = 0
        return clua_to_integer(thread, Int32(index), &value) ? Int(value) : nil
    }

    public func isInteger(at index: Int) -> Bool { clua_is_integer(thread, Int32(index)) }

    /// A number; nil for anything else.
    public func number(at index: Int) -> Double? {
        var value = 0.0
        return clua_to_number(thread, Int32(index), &value) ? value : nil
    }

    /// The bytes of a string, valid while it stays on the stack; nil for anything else.
    public func bytes(at index: Int) -> UnsafeRawBufferPointer? {
        var length = 0
        guard let start = clua_to_bytes(thread, Int32(index), &length) else { return nil }
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    /// A string, with invalid UTF-8 replaced by U+FFFD; nil for anything else.
    public func string(at index: Int) -> String? {
        bytes(at: index).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value's text for display; metamethods are not called.
    public func description(at index: Int) -> String {
        if let text = string(at: index) { return text }  // pushes nothing: the stack of a failed run may be full
        clua_push_description(thread, Int32(index))
        defer { pop() }
        return string(at: -1) ?? ""
    }

    /// The name of the value's class or type, as error messages call it.
    public func kind(at index: Int) -> String {
        clua_push_kind(thread, Int32(index))
        defer { pop() }
        return string(at: -1) ?? ""
    }

    // MARK: writing

    public func push(_ value: Bool) { clua_push_boolean(thread, value) }
    public func push(_ value: Int) { clua_push_integer(thread, Int64(value)) }
    public func push(_ value: Double) { clua_push_number(thread, value) }
    public func pushNil() { clua_push_nil(thread) }
    public func pushCopy(of index: Int) { clua_push_copy(thread, Int32(index)) }

    public func push(_ value: String) {
        var value = value
        value.withUTF8 { push(bytes: UnsafeRawBufferPointer($0)) }
    }

    public func push(_ value: StaticString) {
        clua_push_bytes(
            thread, UnsafeRawPointer(value.utf8Start).assumingMemoryBound(to: CChar.self), value.utf8CodeUnitCount)
    }

    public func push(bytes: UnsafeRawBufferPointer) {
        clua_push_bytes(thread, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }

    public func push(_ reference: LuaReference) { clua_push_reference(thread, reference.number) }

    // MARK: tables (raw)

    public func pushTable(array: Int = 0, fields: Int = 0) { clua_new_table(thread, Int32(array), Int32(fields)) }

    /// Pushes `table[key]`.
    public func pushField(_ key: String, of table: Int) {
        var key = key
        _ = key.withUTF8 { bytes in
            let start = bytes.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
            return clua_get_field(thread, Int32(table), start ?? emptyKey, bytes.count)
        }
    }

    /// `table[key] = value`, where the value is on top of the stack, and popped.
    public func setField(_ key: String, of table: Int) {
        var key = key
        key.withUTF8 { bytes in
            let start = bytes.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
            clua_set_field(thread, Int32(table), start ?? emptyKey, bytes.count)
        }
    }

    /// Replaces the key on top by `table[key]`.
    public func replaceTopKey(byValueOf table: Int) { _ = clua_get(thread, Int32(table)) }

    /// Pushes `table[index]`.
    public func pushElement(_ index: Int, of table: Int) { _ = clua_get_index(thread, Int32(table), Int64(index)) }

    /// `table[index] = value`, where the value is on top of the stack, and popped.
    public func setElement(_ index: Int, of table: Int) { clua_set_index(thread, Int32(table), Int64(index)) }

    /// The border of a table, without `__len`.
    public func length(of index: Int) -> Int { Int(clua_length(thread, Int32(index))) }

    /// Goes on to the next pair: the key at -2, the value at -1. Before the first, push nil; before each other, pop the
    /// value. False at the end, with the key popped.
    public func nextPair(of table: Int) -> Bool { clua_next(thread, Int32(table)) }

    /// Calls `body` for each pair, with the key at -2 and the value at -1. The body leaves the stack as it found it.
    public func forEachPair<Failure: Error>(of table: Int, _ body: () throws(Failure) -> Void) throws(Failure) {
        let absolute = table < 0 ? count + table + 1 : table
        let top = count
        pushNil()
        while clua_next(thread, Int32(absolute)) {
            do { try body() } catch {
                truncate(to: top)
                throw error
            }
            pop()
        }
    }
}

nonisolated(unsafe) private let emptyKey: UnsafePointer<CChar> = {
    // Never freed: one byte for the process.
    let start = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    start.pointee = 0
    return UnsafePointer(start)
}()

/// The types of Lua values, in Lua's own numbering.
public enum LuaType: Int32, Sendable {
    case none = -1
    case `nil`, boolean, lightUserdata, number, string, table, function, userdata, thread
}

// MARK: identity

extension LuaStack {
    /// Whether two slots hold the same value, without `__eq`.
    public func isSame(_ first: Int, _ second: Int) -> Bool { clua_raw_equal(thread, Int32(first), Int32(second)) }

    /// Sets a table's metatable to the referenced one, which must have no `__gc`.
    public func setMetatable(_ metatable: LuaReference, of index: Int) {
        clua_set_metatable(thread, Int32(index), metatable.number)
    }

    public func hasMetatable(_ metatable: LuaReference, at index: Int) -> Bool {
        clua_has_metatable(thread, Int32(index), metatable.number)
    }

    /// Moves the values on top to another thread's stack.
    public func move(_ count: Int, to other: LuaStack) { clua_move(thread, other.thread, Int32(count)) }
}

extension LuaStack {
    /// `table[key] = value` for the key at -2 and the value at -1, both popped. A key that is nil or NaN sets nothing.
    public func setTopPair(of table: Int) { _ = clua_set(thread, Int32(table)) }
}
