import HTTPTypes
import Lua

/// Header fields as a Lua table: lower-case keys, repeated fields joined by `, ` (RFC 9110, 5.2).
enum HeaderTable {
    static func push(_ headers: HTTPFields, metatable: LuaReference?, on stack: LuaStack) {
        stack.pushTable(fields: headers.count)
        for field in headers {
            let key = field.name.canonicalName
            stack.pushField(key, of: -1)
            let earlier = stack.string(at: -1)
            stack.pop()
            stack.push(earlier.map { "\($0), \(field.value)" } ?? field.value)
            stack.setField(key, of: -2)
        }
        if let metatable { stack.setMetatable(metatable, of: -1) }
    }
}
