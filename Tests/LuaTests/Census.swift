import Lua

/// Counts the Swift objects alive that scripts were given.
final class Census {
    private(set) var alive = 0

    /// An object of the host's.
    final class Being {
        let number: Int
        private let census: Census
        var name = ""
        /// A Lua value that the object holds.
        var reference: LuaReference?

        init(in census: Census, number: Int = 0) {
            self.number = number
            self.census = census
            census.alive += 1
        }

        deinit { census.alive -= 1 }
    }

    /// Makes the class `Being` in a state, and `new(number)`, which gives a new one.
    func open(in lua: LuaHarness, ownFields: Bool = false) -> LuaClass<Being> {
        let beings = LuaClass<Being>("Being", instance: "being", ownFields: ownFields, in: lua.state)
        beings.method("number", 0...0) { being, call in call.returning(being.number) }
        beings.method("add", 1...2) { being, call throws(LuaError) in
            call.returning(being.number + (try call.integer(1, "amount")) + (try call.integer(2, "more", default: 0)))
        }
        beings.method("meet", 1...1) { _, call throws(LuaError) in
            call.returning(try beings.argument(1, "other", of: call).number)
        }
        beings.property("age", get: { being, call in call.returning(being.number) })
        beings.property(
            "name",
            get: { being, call in call.returning(being.name) },
            set: { being, call throws(LuaError) in
                being.name = try call.string(1, "name")
                return .none
            }
        )
        lua.define("new", 0...1) { [unowned self] call throws(LuaError) in
            let number = try call.integer(1, "number", default: 0)
            beings.push(Being(in: self, number: number), on: call.stack)
            return .results(1)
        }
        return beings
    }
}
