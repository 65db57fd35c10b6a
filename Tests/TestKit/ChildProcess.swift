import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process that a test starts. (Foundation's `Process` does not bear with as many descriptors as our tests have open.)
final class ChildProcess: Sendable {
    /// It could not be started.
    struct Failure: Error { let reason: String }

    let id: pid_t

    fileprivate struct State {
        var output = ""
        var hasEnded = false
        var waiters: [(text: String?, continuation: CheckedContinuation<Bool, Never>)] = []
    }
    private let state = Mutex(State())

    init(_ path: String, _ arguments: [String]) throws {
        let reading: CInt
        (id, reading) = try Self.spawning.withLock { _ in try Self.spawn(path, arguments) }
        Thread.detachNewThread { [self] in follow(reading) }
    }

    private static let mostDescriptors = 16_384

    /// One at a time: a child that inherits the end of another's pipe keeps that open.
    private static let spawning = Mutex(())

    private static func spawn(_ path: String, _ arguments: [String]) throws -> (pid_t, reading: CInt) {
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(reason: "no pipe: \(errno)") }
        defer { close(ends[1]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        // A socket of another test that it held would never end for its peer.
        for descriptor in 3..<CInt(mostDescriptors) { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let result = posix_spawn(&id, path, &actions, nil, &words, environ)
        guard result == 0 else {
            close(ends[0])
            throw Failure(reason: "\(path): \(String(cString: strerror(result)))")
        }
        return (id, ends[0])
    }

    /// Its output to the end, and then its end.
    private func follow(_ descriptor: CInt) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            note(String(decoding: bytes[..<count], as: UTF8.self), isLast: false)
        }
        close(descriptor)
        var status: CInt = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        note("", isLast: true)
    }

    private func note(_ piece: String, isLast: Bool) {
        let woken = state.withLock { state in
            state.output += piece
            state.hasEnded = isLast
            let answers = state.waiters.map { ($0, state.answer($0.text)) }
            state.waiters = answers.filter { $0.1 == nil }.map(\.0)
            return answers.compactMap { waiter, isFound in isFound.map { (waiter.continuation, $0) } }
        }
        for (continuation, isFound) in woken { continuation.resume(returning: isFound) }
    }

    /// Waits until it has written a text; false when it ends without.
    func writes(_ text: String) async -> Bool { await wait(for: text) }

    /// Waits for its end. Returns everything that it has written.
    func end() async -> String {
        _ = await wait(for: nil)
        return state.withLock { $0.output }
    }

    private func wait(for text: String?) async -> Bool {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state in
                let known = state.answer(text)
                if known == nil { state.waiters.append((text, continuation)) }
                return known
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}

extension ChildProcess.State {
    /// Whether a text has come; nil while it still may. Without one: whether the process has ended.
    fileprivate func answer(_ text: String?) -> Bool? {
        if let text, output.contains(text) { return true }
        return hasEnded ? text == nil : nil
    }
}
