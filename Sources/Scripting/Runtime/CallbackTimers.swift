import Delivery
import NIOCore

/// The timers of the prelude, by number.
final class CallbackTimers {
    private let timers: LoopTimers
    private var tokens: [Int: LoopTimers.Token] = [:]
    private var last = 0

    init(timers: LoopTimers) { self.timers = timers }

    func add(at deadline: NIODeadline, _ body: @escaping () -> Void) -> Int {
        last += 1
        let number = last
        tokens[number] = timers.schedule(at: deadline) { [unowned self] in
            tokens[number] = nil
            body()
        }
        return number
    }

    func cancelAll() {
        for number in Array(tokens.keys) { cancel(number) }
    }

    func cancel(_ number: Int) {
        if let token = tokens.removeValue(forKey: number) { timers.cancel(token) }
    }
}
