import Lua
import Testing

/// What scripts cannot have.
@Suite struct ForbiddenTests {
    let lua: LuaHarness

    init() throws {
        lua = try LuaHarness()
    }

    static let bytecode = [
        "\u{1B}Lua", "\u{1B}", "\u{1B}LuaT\u{00}\u{19}\u{93}\r\n\u{1A}\n\u{04}\u{08}\u{08}",
        "\u{1B}Lua" + String(repeating: "\u{00}", count: 64),
    ]

    @Test(arguments: bytecode)
    func `bytecode is refused by compile`(bytes: String) {
        let says = "attempt to load a binary chunk (mode is 't')"
        #expect(throws: LuaError.message(says)) { try lua.state.compile(bytes.utf8, name: "code.luac") }
        #expect(lua.state.stack.count == 0)
    }

    @Test(
        arguments: bytecode,
        ["", ", 'name'", ", 'name', 'b'", ", 'name', 'bt', {}", ", nil, nil, _ENV", ", 'name', {}, 1, 2, 3"]
    )
    func `bytecode is refused by load`(bytes: String, arguments: String) throws {
        lua.state.stack.push(bytes)
        lua.state.setGlobal("bytes")
        #expect(try lua.run("f, message = load(bytes\(arguments))") == .done)
        #expect(lua.global("f") == "nil")
        #expect(lua.global("message") == "attempt to load a binary chunk (mode is 't')")
        let reader = """
            local i = 0 f, message = load(function() i = i + 1 return
            i <= #bytes and bytes:sub(i, i) or nil end\(arguments))
            """
        #expect(try lua.run(reader) == .done)
        #expect(lua.global("message") == "attempt to load a binary chunk (mode is 't')")
    }

    @Test func `load takes text with a name and an environment`() throws {
        let source = """
            value = load('return x', 'named', 't', { x = 5 })()
            nothing = load('return x', 'named', 't', nil) and pcall(load('return x', 'named', 't', nil))
            message = select(2, load('return return', '@named.lua'))
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == "5")
        #expect(lua.global("nothing") == "false")
        #expect(lua.global("message").hasPrefix("named.lua:1: "))
    }

    @Test(arguments: [
        "debug", "require", "package", "dofile", "loadfile", "loadstring", "string.dump", "unpack", "setfenv",
        "newproxy",
        "os.execute", "os.exit", "os.remove", "os.rename", "os.tmpname", "os.setlocale", "io.popen", "io.read",
        "io.write",
        "io.lines", "io.input", "io.output", "io.stdin", "io.stdout", "io.stderr", "io.tmpfile", "io.close",
    ])
    func `it is not there`(name: String) throws {
        #expect(try lua.run("value = \(name)") == .done)
        #expect(lua.global("value") == "nil")
    }

    @Test(arguments: [
        (
            "_G",
            """
            _G _VERSION assert collectgarbage coroutine error getmetatable io ipairs load math next os pairs pcall print \
            rawequal rawget rawlen rawset select setmetatable string table tonumber tostring type utf8 warn xpcall
            """
        ),
        ("os", "clock date difftime getenv time"), ("io", "open type"),
        ("coroutine", "close create isyieldable resume running status wrap yield"),
        ("table", "concat insert move pack remove sort unpack"),
        ("string", "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper"),
    ])
    func `a library has these functions and no others`(library: String, names: String) throws {
        let source = """
            local n = {} for k in pairs(\(library)) do n[#n +
            1] = k end table.sort(n) value = table.concat(n, ' ')
            """
        #expect(try lua.run(source) == .done)
        #expect(lua.global("value") == names)
    }

    @Test func `what is there works`() throws {
        let source = """
            assert(os.time() > 1e9 and os.clock() >= 0 and #os.date() > 0 and os.difftime(2, 1) == 1)
            assert(os.getenv('no such variable') == nil)
            local file = assert(io.open('/dev/null'))
            assert(io.type(file) == 'file' and file:read('a') == '' and file:close() and io.type(file) == 'closed file')
            assert(#utf8.char(228) == 2 and math.max(1, 2) == 2 and ('x'):upper() == 'X')
            """
        #expect(try lua.run(source) == .done)
    }

    @Test(arguments: [
        "setmetatable({}, { __gc = function() end })", "setmetatable({}, { __gc = true })",
        "setmetatable({}, { __gc = false })",
        "setmetatable({}, setmetatable({ __gc = 1 }, {}))",
        "local m = {} setmetatable({}, m) m.__gc = print setmetatable({}, m)",
        "pcall(error) setmetatable({}, { __gc = print })",
    ])
    func `a finalizer is refused`(source: String) throws {
        #expect(try lua.run(source).message == "test.lua:1: setmetatable: '__gc' is not supported; use '__close'")
    }

    @Test func `a finalizer put into a metatable later never runs`() throws {
        let source = """
            ran = false
            local m = {} local t = setmetatable({}, m)
            m.__gc = function() ran = true end
            local n = setmetatable({}, { __index = { __gc = m.__gc } }) setmetatable({}, n)
            t, n = nil, nil
            collectgarbage() collectgarbage()
            """
        #expect(try lua.run(source) == .done)
        lua.state.collectGarbage()
        #expect(lua.global("ran") == "false")
    }

    @Test(arguments: ["''", "('x')", "io.open('/dev/null')"])
    func `a shared metatable is hidden`(value: String) throws {
        #expect(try lua.run("value = getmetatable(\(value))") == .done)
        #expect(lua.global("value") == "false")
        #expect(try lua.run("setmetatable(\(value), {})").message?.contains("table expected") == true)
        let message = try lua.run("getmetatable(\(value)).__index = {}").message
        #expect(message?.contains("attempt to index a boolean value") == true)
    }

    @Test(arguments: ["__gc", "__close", "__index", "__name", "__metatable", "__tostring"])
    func `a file gives no metamethod away`(field: String) throws {
        #expect(try lua.run("value = io.open('/dev/null').\(field)") == .done)
        #expect(lua.global("value") == "nil")
    }

    @Test(arguments: ["stop", "restart", "setpause", "setstepmul", "incremental", "generational", "isrunning", "x"])
    func `the collector is not a script's to steer`(option: String) throws {
        let message = try lua.run("collectgarbage('\(option)')").message
        #expect(message == "test.lua:1: bad argument #1 to 'collectgarbage' (invalid option '\(option)')")
    }

    @Test(arguments: ["", "'collect'", "'step'", "'step', 100", "nil"])
    func `a script may collect`(arguments: String) throws {
        #expect(try lua.run("value = type(collectgarbage(\(arguments)))") == .done)
        #expect(["number", "boolean"].contains(lua.global("value")))
        #expect(try lua.run("value = math.type(collectgarbage('count'))") == .done)
        #expect(lua.global("value") == "float")
    }
}
