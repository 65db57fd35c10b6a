import Lua
import Testing

/// C functions cannot be interrupted: what a script asks of one is bounded.
@Suite(.timeLimit(.minutes(5))) struct BoundedLibraryTests {
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness(memoryLimit: 64 << 20)
        // A length that is one when it is first asked for, and vast then.
        let source = """
            function lying(first)
                local asked = 0
                return setmetatable({ 1 }, { __len = function()
                    asked = asked + 1
                    return asked == 1 and first or math.maxinteger - 8
                end })
            end
            function vast() return setmetatable({}, { __len = function() return math.maxinteger - 8 end }) end
            """
        try lua.run(source)
    }

    @Test(arguments: [
        "string.rep('x', 1e18)", "string.rep('', 1e18, 'x')", "string.rep('x', math.maxinteger)", "('xy'):rep(1 << 62)",
        "string.rep('x', 1 << 40, ('y'):rep(1000))", "table.concat({}, '', 1, 1e18)", "table.concat(vast())",
        "table.concat({}, '', math.mininteger, math.maxinteger)", "table.concat(lying(math.maxinteger))",
        "table.concat(setmetatable({}, { __index = type }), '', 1, 1e18)", "table.move({}, 1, 1e18, 2)",
        "table.move({}, math.mininteger, -1, 2)", "table.move({}, 1, 1 << 40, 1, {})", "table.insert(vast(), 1, 'x')",
        "table.insert(lying(1), 1, 'x')", "table.insert({}, 1e18, 'x')", "table.remove(vast(), 1)",
        "table.remove(lying(1), 1)",
        "table.remove({}, 1e18)", "table.unpack({}, 1, 1e18)", "table.unpack({}, 1, 1e7)", "table.unpack(vast())",
        "table.unpack({}, math.mininteger, math.maxinteger)", "table.sort(vast())", "table.sort(lying(2))",
        "table.sort(vast(), math.type)", "table.sort(lying(2), math.type)", "string.byte(('x'):rep(1 << 25), 1, -1)",
        "string.char(table.unpack({}, 1, 1e6))", "('x'):rep(1 << 20, ('y'):rep(1 << 20))",
        "string.format('%' .. ('9'):rep(100) .. 'd', 1)",
        "string.pack('i' .. ('9'):rep(100), 1)", "utf8.char(1 << 40)", "select(-(1 << 40))", "load(('('):rep(1 << 20))",
    ])
    func `what is asked beyond all bounds is an error at once`(source: String) throws {
        let source = source.hasPrefix("load") ? "assert(\(source))" : source
        let outcome = try lua.run("local _ = \(source)", budget: .seconds(30))
        #expect(outcome.message != nil || outcome.isOutOfMemory, "\(outcome)")
        #expect(try lua.run("value = pcall(function() return \(source) end)", budget: .seconds(30)) == .done)
        #expect(lua.global("value") == "false")
    }

    @Test(arguments: [
        ("string.rep('x', 1e18)", "string.rep: the result is larger than the memory limit"),
        ("table.concat({}, '', 1, 1e18)", "table.concat: more than 10000000 elements"),
        ("table.move({}, 1, 1e18, 2)", "table.move: more than 10000000 elements"),
        ("table.unpack({}, 1, 1e18)", "table.unpack: more than 1000000 elements"),
        ("table.sort(vast())", "table.sort: a table with '__len' is not supported"),
        ("table.insert(vast(), 1, 1)", "table.insert: a table with '__len' is not supported"),
        ("table.remove(vast(), 1)", "table.remove: a table with '__len' is not supported"),
    ])
    func `the error says what the bound is`(source: String, says: String) throws {
        #expect(try lua.run(source).message == "test.lua:1: " + says)
    }

    @Test(arguments: [
        ("('ab'):rep(3, '-')", "ab-ab-ab"), ("string.rep('', 1e18)", ""), ("string.rep('x', 0)", ""),
        ("string.rep('x', -5)", ""),
        ("string.rep('x', 3.0)", "xxx"), ("table.concat({ 1, 2, 3 })", "123"),
        (
            "table.concat({ 1, 2, 3 }, ',')",
            "1,2,3"
        ),
        ("table.concat({ 1, 2, 3 }, ',', 2)", "2,3"), ("table.concat({ 1, 2, 3 }, ',', 2, 2)", "2"),
        ("table.concat({}, ',')", ""),
        ("table.concat({ 1, 2 }, nil, nil, nil)", "12"), ("table.concat(lying(1), ',')", "1"),
        ("table.concat({}, '', 5, 1)", ""),
        ("select('#', table.unpack({ 1, nil, 3 }, 1, 3))", "3"), ("select('#', table.unpack({}, 5, 1))", "0"),
        ("select(2, table.unpack({ 1, 2 }))", "2"), ("select('#', table.unpack(lying(1)))", "1"),
        ("table.unpack('x', 1, 1)", "nil"),
        ("table.concat(table.move({ 1, 2, 3 }, 2, 3, 1))", "233"), ("#table.move({ 1, 2, 3 }, 1, 3, 1, {})", "3"),
        ("table.remove({ 1, 2, 3 })", "3"), ("table.remove({ 1, 2, 3 }, 1)", "1"), ("table.remove({})", "nil"),
        (
            "(function() local t = { 1, 3 } table.insert(t, 2, 2) table.insert(t, 4) return table.concat(t) end)()",
            "1234"
        ),
        ("(function() local t = { 3, 1, 2 } table.sort(t) return table.concat(t) end)()", "123"),
        (
            """
            (function() local t = { 3, 1, 2 } table.sort(t, function(a, b) return a > b end)
            return table.concat(t) end)()
            """,
            "321"
        ),
        ("(function() local t = lying(1) table.insert(t, 'end') return rawlen(t) .. t[2] end)()", "2end"),
    ])
    func `within its bounds the library is Lua's own`(expression: String, result: String) throws {
        #expect(try lua.run("value = \(expression)") == .done)
        #expect(lua.global("value") == result)
    }

    @Test(arguments: [
        ("string.rep()", "bad argument #1 to 'rep' (string expected, got no value)"),
        ("string.rep('x', {})", "bad argument #2 to 'rep' (number expected, got table)"),
        ("table.concat(5)", "bad argument #1 to 'concat' (table expected, got number)"),
        ("table.concat({ {} })", "invalid value (table) at index 1 in table for 'concat'"),
        ("table.concat({}, {})", "bad argument #2 to 'concat' (string expected, got table)"),
        ("table.insert(nil, 1)", "bad argument #1 to 'insert' (table expected, got nil)"),
        ("table.insert({})", "wrong number of arguments to 'insert'"),
        ("table.insert({}, 1, 2, 3)", "wrong number of arguments to 'insert'"),
        ("table.insert({}, 5, 2)", "bad argument #2 to 'insert' (position out of bounds)"),
        ("table.remove({}, 5)", "bad argument #1 to 'remove' (position out of bounds)"),
        ("table.sort({ 1, 'x' })", "attempt to compare string with number"),
        ("table.sort({ 1, 2 }, 5)", "bad argument #2 to 'sort' (function expected, got number)"),
        ("table.sort()", "bad argument #1 to 'sort' (table expected, got no value)"),
        ("table.unpack()", "attempt to get length of a nil value"),
        (
            "setmetatable({}, 5)",
            "bad argument #2 to 'setmetatable'"
        ),
    ])
    func `a wrong call is answered as Lua answers it`(source: String, says: String) throws {
        let message = try #require(try lua.run(source).message)
        let swapped = says.replacing("string with number", with: "number with string")
        #expect(message.contains(says) || message.contains(swapped), "\(message)")
    }
}
