extension EndlessCode {
    /// Where Lua can yield all the way from the loop to the host.
    static let yieldable = loops + protectedCalls + coroutines + closed + metamethods

    private static let loops = [
        EndlessCode("while", "local x = 1\nLOOP"),
        EndlessCode("repeat", "repeat\nlocal x --[[HERE]] until false"),
        EndlessCode("a numeric for", "for i = 1, 1e18 do end --[[HERE]]"),
        EndlessCode("a float for", "for i = 1, 2, 1e-300 do end --[[HERE]]"),
        EndlessCode("goto", "::again::\ngoto again --[[HERE]]"),
        EndlessCode("goto as continue", "for i = 1, math.huge do goto continue --[[HERE]] ::continue:: end"),
        EndlessCode("a generic for", "for _ in function()\nLOOP end do end"),
        EndlessCode("a generic for that never gives nil", "for _ in function() return 1 end do end --[[HERE]]"),
        EndlessCode("a tail call", "local f\nf = function() return f() end --[[HERE]]\nf()"),
        EndlessCode(
            "tail calls in turn",
            "local f, g\nf = function() return g() end g = function() return f() end --[[HERE]]\nf()"
        ),
        EndlessCode(
            "recursion that overflows over and over",
            "local function f() return 1 + f() end while true do pcall(f) end"),
        EndlessCode("load", "load('while true do end', '@test.lua')() --[[HERE]]"),
        EndlessCode("load over and over", "while true do load('x = 1', '@test.lua')() end --[[HERE]]"),
    ]

    private static let protectedCalls = [
        EndlessCode("a loop in pcall in a loop", "while true do pcall(function()\nLOOP end) end"),
        EndlessCode("a loop after pcall", "pcall(error)\nLOOP"),
        EndlessCode("pcall of pcall", "pcall(pcall, pcall, function()\nLOOP end)"),
        EndlessCode("pcall over and over", "while true do pcall(error) end --[[HERE]]"),
        EndlessCode("xpcall", "xpcall(function()\nLOOP end, print)"),
        EndlessCode("xpcall with a looping handler", "xpcall(error, function()\nLOOP end)"),
        EndlessCode("xpcall, both looping", "xpcall(function()\nLOOP end, function() while true do end end)"),
        EndlessCode("xpcall with a handler that fails", "while true do\nxpcall(error, error) end --[[HERE]]"),
        EndlessCode(
            "xpcall whose handler fails and calls it",
            "local function h() xpcall(error, h) end\nwhile true do h() end"),
        EndlessCode(
            "xpcall whose handler loops in xpcall",
            "xpcall(error, function() while true do xpcall(function()\nLOOP end, print) end end)"),
    ]

    private static let coroutines = [
        EndlessCode("coroutine.resume", "coroutine.resume(coroutine.create(function()\nLOOP end))"),
        EndlessCode("coroutine.wrap", "coroutine.wrap(function()\nLOOP end)()"),
        EndlessCode(
            "three coroutines in one another",
            """
            coroutine.wrap(function() coroutine.resume(coroutine.create(function()
            coroutine.wrap(function() LOOP end)() end)) end)()
            """
        ),
        EndlessCode(
            "a coroutine that yields over and over",
            "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end"
        ),
        EndlessCode(
            "an iterator that yields over and over",
            "for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end"
        ),
        EndlessCode("coroutines over and over", "while true do coroutine.wrap(function() end)() end"),
        EndlessCode("failing coroutines over and over", "while true do coroutine.resume(coroutine.create(error)) end"),
        EndlessCode(
            "resuming a dead one",
            "local c = coroutine.create(error)\nwhile true do coroutine.resume(c) end --[[HERE]]"),
        EndlessCode(
            "a tree of short coroutines",
            "local function f(n) if n > 0 then for _ = 1, 8 do coroutine.wrap(f)(n - 1) end end end f(50)"
        ),
        EndlessCode(
            "a tree of short coroutines in pcall",
            "local function f(n) if n > 0 then for _ = 1, 8 do pcall(coroutine.wrap(f), n - 1) end end end f(50)"
        ),
        EndlessCode(
            "coroutine.close with a looping variable",
            """
            local c = coroutine.create(function() \(closing("\nLOOP")) coroutine.yield() end)
            coroutine.resume(c) coroutine.close(c)
            """
        ),
        EndlessCode(
            "coroutine.close over and over",
            "while true do coroutine.close(coroutine.create(print)) end --[[HERE]]"),
    ]

    private static let closed = [
        EndlessCode("a variable closed at the end of a block", "do \(closing("\nLOOP")) end"),
        EndlessCode("a variable closed by break", "while true do \(closing("\nLOOP")) break end"),
        EndlessCode("a variable closed by goto", "do \(closing("\nLOOP")) goto out end ::out::"),
        EndlessCode("a variable closed by return", "(function() \(closing("\nLOOP")) return 1 end)()"),
        EndlessCode("a variable closed by an error", "pcall(function() \(closing("\nLOOP")) error() end)"),
        EndlessCode(
            "a variable closed by an error nobody caught",
            "coroutine.wrap(function() \(closing("\nLOOP")) error() end)()"),
        EndlessCode("the state of a generic for", "for _ in next, {}, nil, \(with("__close")) do end"),
    ]

    private static let metamethods = [
        EndlessCode("__index", "local _ = \(with("__index")).x"),
        EndlessCode("__newindex", "\(with("__newindex")).x = 1".asStatement),
        EndlessCode("__call", "\(with("__call"))()"),
        EndlessCode("__add", "local _ = \(with("__add")) + 1"),
        EndlessCode("__unm", "local _ = -\(with("__unm"))"),
        EndlessCode("__concat", "local _ = 'x' .. \(with("__concat"))"),
        EndlessCode("__len", "local _ = #\(with("__len"))"),
        EndlessCode("__eq", "local _ = \(with("__eq")) == {}"),
        EndlessCode("__lt", "local _ = \(with("__lt")) < 1"),
        EndlessCode("__le", "local _ = 1 <= \(with("__le"))"),
        EndlessCode("__pairs", "for _ in pairs(\(with("__pairs"))) do end"),
        EndlessCode("__index of __index", "local _ = setmetatable({}, { __index = \(with("__index")) }).x"),
    ]
}

extension String {
    /// An expression that is assigned to, which cannot begin a statement.
    fileprivate var asStatement: String { "local t = " + replacing(".x = 1", with: " t.x = 1") }
}
