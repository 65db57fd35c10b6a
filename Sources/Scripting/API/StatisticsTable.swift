import Delivery
import EventStream
import Lua

/// What `HTTPServer.get_stats()` returns.
struct StatisticsTable {
    let stack: LuaStack

    /// Pushes the table.
    func push(_ statistics: Statistics) {
        stack.pushTable(fields: 5)
        table("streams") {
            let streams = statistics.streams
            set("open", streams.open)
            set("opened", streams.opened)
            set("buffered_bytes", streams.bufferedBytes)
            table("closed") {
                for reason in CloseReason.allCases { set(reason.rawValue, streams.closed[reason] ?? 0) }
            }
        }
        table("events") {
            set("published", statistics.published)
            set("delivered", statistics.delivery.delivered)
            set("coalesced", statistics.delivery.coalesced)
            set("dropped", statistics.delivery.dropped)
            set("bytes", statistics.delivery.bytes)
        }
        table("requests") {
            set("count", statistics.requests.count)
            set("seconds", statistics.requests.seconds)
            for digit in 1...5 { set("status_\(digit)xx", statistics.requests.byClass[digit]) }
        }
        table("scripts") {
            set("errors", statistics.scripts.errors)
            set("memory", statistics.scripts.memory)
            for kind in CallbackKind.allCases {
                table(kind.name) {
                    let time = statistics.scripts.times[kind.rawValue]
                    set("calls", time.calls)
                    set("seconds", Double(time.nanoseconds) / 1e9)
                }
            }
        }
    }

    private func table(_ name: String, _ fill: () -> Void) {
        stack.pushTable(fields: 8)
        fill()
        stack.setField(name, of: -2)
    }

    private func set(_ name: String, _ value: Int) {
        stack.push(value)
        stack.setField(name, of: -2)
    }

    private func set(_ name: String, _ value: Double) {
        stack.push(value)
        stack.setField(name, of: -2)
    }
}
