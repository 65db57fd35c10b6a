import Lua

/// Loads a directory's scripts in order, each to its end, and keeps the nodes that they return.
struct Loader {
    let runtime: Runtime

    func loadAll(done: @escaping (Result<Void, any Error>) -> Void) {
        do {
            let scripts = try runtime.directory.scripts()
            runtime.staticDirectory.useStandard()
            load(scripts[...], done)
        } catch {
            done(.failure(error))
        }
    }

    private func load(_ files: ArraySlice<String>, _ done: @escaping (Result<Void, any Error>) -> Void) {
        guard let file = files.first else { return done(.success(())) }
        let chunk: LuaReference
        do {
            chunk = try compile(file)
        } catch {
            return done(.failure(error))
        }
        let task = runtime.scheduler.makeTask(.loading(file: file))
        let stack = task.coroutine.stack
        task.whenEnded = { ending in
            if case .failed(let report) = ending { return done(.failure(report)) }
            load(files.dropFirst(), done)
        }
        task.onResults = {
            guard stack.type(at: 1) == .table else { return }
            stack.pushCopy(of: 1)
            runtime.nodes.add(runtime.state.popReference(from: stack), file: file)
        }
        stack.push(chunk)
        runtime.scheduler.run(task, arguments: 0)
    }

    private func compile(_ file: String) throws -> LuaReference {
        let source = try runtime.directory.read(file)
        runtime.enter()
        do {
            return try runtime.state.compile(source, name: file)
        } catch LuaError.message(let message) {
            throw runtime.reporter.report(message: message)
        }
    }
}
