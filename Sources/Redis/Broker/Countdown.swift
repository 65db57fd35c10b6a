import Delivery
import NIOCore

/// Calls back once, when so many steps were made, or when that has taken too long.
final class Countdown {
    private var left: Int
    private var body: (() -> Void)?
    private let timers: LoopTimers
    private var timer: LoopTimers.Token?

    /// - Parameter count: at least 1.
    init(_ count: Int, orAfter patience: TimeAmount, _ timers: LoopTimers, _ body: @escaping () -> Void) {
        left = count
        self.body = body
        self.timers = timers
        timer = timers.schedule(after: patience) { [weak self] in self?.end() }
    }

    var isOver: Bool { body == nil }

    func step() {
        left -= 1
        if left == 0 { end() }
    }

    private func end() {
        if let timer { timers.cancel(timer) }
        timer = nil
        let body = body
        self.body = nil
        body?()
    }
}
