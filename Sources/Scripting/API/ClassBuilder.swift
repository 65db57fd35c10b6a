import Lua

/// Adds members to a class and keeps their names for messages.
struct ClassBuilder {
    let runtime: Runtime
    let names: KnownNames

    func members<Object>(of type: LuaClass<Object>) -> Members<Object> { Members(type: type, names: names) }

    /// A singleton's class: methods take `.` or `:`, a misspelt name raises.
    func singleton<Object>(_ name: String, _ object: Object) -> Singleton<Object> {
        let type = LuaClass<Object>(name, instance: name, ownFields: false, in: runtime.state)
        let singleton = Singleton(type: type, object: object, names: names, own: KnownNames())
        let own = singleton.own
        type.onUnknownMember { _, call throws(LuaError) in
            let member = call.stack.description(at: 2)
            let hint = Suggestion.closest(to: member, in: own.all).map { "; did you mean '\($0)'?" } ?? ""
            throw .message("\(name) has no member '\(member)'\(hint)")
        }
        return singleton
    }

    /// A singleton that only holds functions, and values that `addValues` sets; made a global.
    func namespace(
        _ name: String,
        _ functions: [(String, ClosedRange<Int>, HostFunction.Body)],
        addValues: (Singleton<Namespace>) -> Void = { _ in }
    ) {
        let singleton = singleton(name, Namespace())
        for (function, arguments, body) in functions {
            singleton.own.add(function)
            singleton.type.boundMethod(of: singleton.object, function, arguments) { _, call throws(LuaError) in
                try body(call)
            }
        }
        addValues(singleton)
        singleton.type.push(singleton.object, on: runtime.state.stack)
        runtime.state.setGlobal(name)
    }

    final class Namespace {}

    struct Members<Object: AnyObject> {
        let type: LuaClass<Object>
        let names: KnownNames

        func method(_ name: String, _ arguments: ClosedRange<Int>, _ body: @escaping LuaClass<Object>.Body) {
            names.add(name)
            type.method(name, arguments, body)
        }

        /// A property and its `get_…` and, where it can be assigned, `set_…` method.
        func property(_ name: String, get: @escaping LuaClass<Object>.Body, set: LuaClass<Object>.Body? = nil) {
            names.add(name)
            type.property(name, get: get, set: set)
            method("get_\(name)", 0...0, get)
            if let set { method("set_\(name)", 1...1, set) }
        }

        /// A property that is a Lua value kept with the object: made when first asked for.
        func keptProperty(_ name: String, _ make: @escaping (Object, LuaCall) throws(LuaError) -> Void) {
            property(
                name,
                get: { object, call throws(LuaError) in
                    type.pushAttachments(of: 1, on: call.stack, create: true)
                    call.stack.pushField(name, of: -1)
                    guard call.stack.isNil(at: -1) else { return .results(1) }
                    call.stack.pop()
                    try make(object, call)
                    call.stack.pushCopy(of: -1)
                    call.stack.setField(name, of: -3)
                    return .results(1)
                })
        }
    }

    struct Singleton<Object: AnyObject> {
        let type: LuaClass<Object>
        let object: Object
        let names: KnownNames
        let own: KnownNames

        func method(_ name: String, _ arguments: ClosedRange<Int>, _ body: @escaping LuaClass<Object>.Body) {
            names.add(name)
            own.add(name)
            type.boundMethod(of: object, name, arguments, body)
        }

        func property(_ name: String, get: @escaping LuaClass<Object>.Body, set: LuaClass<Object>.Body? = nil) {
            names.add(name)
            own.add(name)
            type.property(name, get: get, set: set)
        }

        /// The value on top of the main stack, popped, as a member.
        func value(_ name: String) {
            names.add(name)
            own.add(name)
            type.value(name)
        }
    }
}
