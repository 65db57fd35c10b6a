extension EndlessCode {
    /// Where a C function stands between the loop and the host.
    static let unyieldable = sorting + calledBack + metamethodsOfC + closedUnderC

    private static func sort(_ body: String) -> String { "table.sort({ 3, 2, 1 }, function() \(body) end)" }
    private static func gsub(_ body: String) -> String { "string.gsub('abc', '.', function() \(body) end)" }

    private static let sorting = [
        EndlessCode("table.sort", sort("\nLOOP")),
        EndlessCode("table.sort with pcall", sort("while true do pcall(function()\nLOOP end) end")),
        EndlessCode("table.sort with pcall over and over", sort("while true do pcall(error) end --[[HERE]]\n")),
        EndlessCode("table.sort with xpcall", sort("while true do xpcall(function()\nLOOP end, print) end")),
        EndlessCode("table.sort with a looping handler", sort("while true do xpcall(error, function()\nLOOP end) end")),
        EndlessCode(
            "table.sort with __lt",
            "local m = { __lt = function()\nLOOP end } table.sort({ setmetatable({}, m), setmetatable({}, m) })"),
        EndlessCode("table.sort in table.sort", sort(sort("\nLOOP"))),
        EndlessCode("table.sort in a coroutine", "coroutine.wrap(function() \(sort("\nLOOP")) end)()"),
        EndlessCode("table.sort with coroutine.wrap", sort("coroutine.wrap(function()\nLOOP end)()")),
        EndlessCode(
            "table.sort with coroutine.resume",
            sort("while true do coroutine.resume(coroutine.create(function()\nLOOP end)) end")
        ),
        EndlessCode(
            "table.sort with pcall and coroutines",
            sort(
                "while true do pcall(coroutine.wrap(function() while true do pcall(function()\nLOOP end) end end)) end")
        ),
        EndlessCode(
            "table.sort with coroutines in one another",
            sort("coroutine.wrap(function() coroutine.wrap(function()\nLOOP end)() end)()")
        ),
        EndlessCode(
            "table.sort with a tree of coroutines",
            """
            local function f(n) if n > 0 then for _ = 1, 8 do pcall(coroutine.wrap(f), n - 1) end end end
            \(sort("f(50)"))
            """
        ),
        EndlessCode(
            "table.sort with coroutines left over time",
            sort(
                """
                for _ = 1, 5 do local c = coroutine.create(function() \(closing("while true do end"))
                LOOP end) coroutine.resume(c) coroutine.close(c) coroutine.resume(c) coroutine.close(c) end
                """
            )
        ),
    ]

    private static let calledBack = [
        EndlessCode("string.gsub", gsub("\nLOOP")),
        EndlessCode("string.gsub with pcall", gsub("while true do pcall(function()\nLOOP end) end")),
        EndlessCode("string.gsub with xpcall", gsub("xpcall(error, function()\nLOOP end)")),
        EndlessCode("string.gsub over and over", "while true do \(gsub("pcall(error)")) end"),
        EndlessCode("string.gsub in table.sort in string.gsub", gsub(sort(gsub("\nLOOP")))),
        EndlessCode("load's reader", "load(function()\nLOOP end)"),
        EndlessCode(
            "load's reader over and over",
            "while true do load(function() while true do pcall(function()\nLOOP end) end end) end"),
    ]

    private static let metamethodsOfC = [
        EndlessCode("tostring", "tostring(\(with("__tostring")))"),
        EndlessCode("string.format", "string.format('%s', \(with("__tostring")))"),
        EndlessCode("string.gsub with a table", "string.gsub('abc', '.', \(with("__index")))"),
        EndlessCode("table.concat", "table.concat(\(with("__index")), '', 1, 2)"),
        EndlessCode("table.concat, length", "table.concat(\(with("__len")))"),
        EndlessCode("table.unpack", "table.unpack(\(with("__index")), 1, 2)"),
        EndlessCode("table.unpack, length", "table.unpack(\(with("__len")))"),
        EndlessCode("table.insert", "table.insert(\(with("__newindex")), 1)"),
        EndlessCode("table.insert, length", "table.insert(\(with("__len")), 1)"),
        EndlessCode("table.remove, length", "table.remove(\(with("__len")))"),
        EndlessCode("table.move", "table.move(\(with("__index")), 1, 2, 3)"),
        EndlessCode("ipairs", "for _ in ipairs(\(with("__index"))) do end"),
        EndlessCode("os.time", "os.time(\(with("__index")))"),
        EndlessCode("arithmetic on a string", "local _ = '10' + \(with("__add"))"),
        EndlessCode(
            "a callable in string.gsub",
            "string.gsub('abc', '.', function(x) return \(with("__call"))(x) end)"),
    ]

    private static let closedUnderC = [
        EndlessCode("a variable closed in a callback", gsub("do \(closing("\nLOOP")) end")),
        EndlessCode(
            "a variable closed by an error in a callback",
            gsub("pcall(function() \(closing("\nLOOP")) error() end)")
        ),
        EndlessCode(
            "a variable of a coroutine that dies in a callback",
            gsub("coroutine.wrap(function() \(closing("\nLOOP")) error() end)()")
        ),
        EndlessCode(
            "coroutine.close in a callback",
            gsub(
                """
                local c = coroutine.create(function() \(closing("\nLOOP")) coroutine.yield() end)
                coroutine.resume(c) coroutine.close(c)
                """
            )
        ),
        EndlessCode(
            "a loop in a callback with a looping variable outside",
            "\(closing("while true do end")) \(gsub("\nLOOP"))"
        ),
        EndlessCode(
            "a loop in a callback with a looping variable in a coroutine outside",
            "coroutine.wrap(function() \(closing("while true do end")) \(gsub("\nLOOP")) end)()"
        ),
    ]
}
