import HTTP
import Lua
import NIOCore

/// The forms of `HTTPRequestContext`.
struct FormAPI {
    func register(_ members: ClassBuilder.Members<RequestObject>) {
        members.method("parse_form_data", 0...0) { request, call in
            Self.returning(request.form, call) { Self.pushTable($0, on: call.stack) }
        }
        members.method("get_form_values", 0...1) { request, call throws(LuaError) in
            guard !call.isMissing(1) else {
                return Self.returning(request.form, call) { Self.pushTable($0, on: call.stack) }
            }
            let name = try call.bytes(1, "name")
            return Self.returning(request.form, call) { form in
                call.stack.pushTable()
                for (index, field) in form.fields.filter({ $0.name.elementsEqual(name) }).enumerated() {
                    Self.push(field, on: call.stack)
                    call.stack.setElement(index + 1, of: -2)
                }
            }
        }
    }

    /// Pushes one value of the form, or nil and why there is none.
    private static func returning(_ form: Result<Form, FormError>, _ call: LuaCall, _ push: (Form) -> Void)
        -> HostFunction.Return
    {
        switch form {
        case .success(let form):
            push(form)
            return .results(1)
        case .failure(let error):
            call.stack.pushNil()
            call.stack.push("form: \(error.description)")
            return .results(2)
        }
    }

    /// The first value of each name.
    private static func pushTable(_ form: Form, on stack: LuaStack) {
        stack.pushTable(fields: form.fields.count)
        for field in form.fields {
            field.name.withUnsafeBytes { stack.push(bytes: $0) }
            stack.pushCopy(of: -1)
            stack.replaceTopKey(byValueOf: -3)
            let isFirst = stack.isNil(at: -1)
            stack.pop()
            if isFirst {
                push(field, on: stack)
                stack.setTopPair(of: -3)
            } else {
                stack.pop()
            }
        }
    }

    /// A string, or the table of a file.
    private static func push(_ field: Form.Field, on stack: LuaStack) {
        guard let file = field.file else { return field.value.withUnsafeReadableBytes { stack.push(bytes: $0) } }
        stack.pushTable(fields: 4)
        field.name.withUnsafeBytes { stack.push(bytes: $0) }
        stack.setField("name", of: -2)
        file.name.withUnsafeBytes { stack.push(bytes: $0) }
        stack.setField("filename", of: -2)
        stack.push(file.contentType)
        stack.setField("content_type", of: -2)
        field.value.withUnsafeReadableBytes { stack.push(bytes: $0) }
        stack.setField("data", of: -2)
    }
}
