import HTTPTypes
import Lua

/// Every class and global of the API, registered once.
final class APIClasses {
    let request: LuaClass<RequestObject>
    let response: LuaClass<ResponseObject>
    let connection: LuaClass<ConnectionObject>
    let publisher: LuaClass<PublisherObject>
    let channel: LuaClass<ChannelObject>
    let redis: LuaClass<RedisObject>
    private let headersMetatable: LuaReference

    init(runtime: Runtime, names: KnownNames) throws(LuaError) {
        let state = runtime.state
        headersMetatable = try Self.makeHeadersMetatable(state)
        let builder = ClassBuilder(runtime: runtime, names: names)
        request = LuaClass("HTTPRequestContext", instance: "request", ownFields: true, in: state)
        response = LuaClass("HTTPResponse", instance: "response", ownFields: true, in: state)
        connection = LuaClass("SSEConnection", instance: "connection", ownFields: true, in: state)
        publisher = LuaClass("SSEPublisher", instance: "publisher", ownFields: false, in: state)
        channel = LuaClass("Channel", instance: "channel", ownFields: false, in: state)
        redis = LuaClass("Redis", instance: "redis", ownFields: false, in: state)
        RequestAPI(runtime: runtime, headersMetatable: headersMetatable).register(builder.members(of: request))
        let headersCopy = try Self.makeHeadersCopy(state)
        ResponseAPI(runtime: runtime, headersCopy: headersCopy).register(builder.members(of: response))
        SSEConnectionAPI(runtime: runtime).register(builder.members(of: connection))
        PublisherAPI(runtime: runtime).register(builder.members(of: publisher))
        ChannelAPI(runtime: runtime).register(builder.members(of: channel))
        RedisAPI(runtime: runtime).register(builder.members(of: redis))
        RedisAPI(runtime: runtime).registerConstructor(builder)
        try HTTPServerAPI(runtime: runtime).register(builder)
        try EngineAPI(runtime: runtime).register(builder)
        ErrorConstants.register(in: state)
        Services(runtime: runtime).register(builder)
        Log(runtime: runtime).register(builder)
        JSONAPI(runtime: runtime).register(builder)
        for name in [
            "sleep", "await", "spawn", "require", "print", "pairs", "ipairs", "tostring", "tonumber", "pcall", "error",
        ] {
            names.add(name)
        }
    }

    /// A header table's look-up ignores case: its keys are lower-case.
    private static func makeHeadersMetatable(_ state: LuaState) throws(LuaError) -> LuaReference {
        let source = """
            local rawget, lower, type = rawget, string.lower, type
            return { __metatable = false, __index = function(headers, name)
              return type(name) == "string" and rawget(headers, lower(name)) or nil
            end }
            """
        state.stack.push(try state.compile(source.utf8, name: "\(Prelude.chunkPrefix)/headers.lua"))
        try state.call(arguments: 0, results: 1)
        return state.popReference(from: state.stack)
    }

    /// A function that makes a table of headers one that cannot be assigned, which would change nothing.
    private static func makeHeadersCopy(_ state: LuaState) throws(LuaError) -> LuaReference {
        let source = """
            local lower, type, next, error, setmetatable = string.lower, type, next, error, setmetatable
            return function(headers)
              return setmetatable({}, {
                __metatable = false,
                __index = function(_, name) return type(name) == "string" and headers[lower(name)] or nil end,
                __newindex = function() error("response.headers is a copy; use response:set_header(name, value)", 2) end,
                __pairs = function() return next, headers end,
              })
            end
            """
        state.stack.push(try state.compile(source.utf8, name: "\(Prelude.chunkPrefix)/headers.lua"))
        try state.call(arguments: 0, results: 1)
        return state.popReference(from: state.stack)
    }

    func pushHeaders(_ headers: HTTPFields, on stack: LuaStack) {
        HeaderTable.push(headers, metatable: headersMetatable, on: stack)
    }
}
