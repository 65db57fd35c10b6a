import Delivery
import EventStream
import Scripting

extension Statistics {
    func write(to text: inout PrometheusText) {
        text.add("mooncast_streams_open", .gauge, "Event streams that are open.", streams.open)
        text.add("mooncast_streams_opened_total", .counter, "Event streams opened.", streams.opened)
        text.add(
            "mooncast_streams_closed_total", .counter, "Event streams closed, by reason.", by: "reason",
            CloseReason.allCases.map { ($0.rawValue, streams.closed[$0] ?? 0) })
        text.add(
            "mooncast_stream_buffered_bytes", .gauge, "Bytes that wait in this process for slow clients.",
            streams.bufferedBytes)
        text.add("mooncast_events_published_total", .counter, "Events published to channels.", published)
        text.add(
            "mooncast_events_delivered_total", .counter, "Events that went out, counted for each stream.",
            delivery.delivered)
        text.add(
            "mooncast_events_coalesced_total", .counter, "Those that shared a write with the one before.",
            delivery.coalesced)
        text.add(
            "mooncast_events_dropped_total", .counter, "Events dropped by the policy of a slow stream.",
            delivery.dropped)
        text.add("mooncast_stream_bytes_total", .counter, "Bytes sent on event streams.", delivery.bytes)
        text.add(
            "mooncast_http_requests_total", .counter, "Requests answered, by class of status.", by: "code",
            (1...5).map { ("\($0)xx", requests.byClass[$0]) })
        text.add(
            histogram: "mooncast_http_request_duration_seconds",
            "From the end of a request to the start of its answer.", bounds: RequestTimes.bounds,
            counts: requests.buckets, sum: requests.seconds)
        let times = CallbackKind.allCases.map { ($0.name, scripts.times[$0.rawValue]) }
        text.add(
            "mooncast_script_calls_total", .counter, "Calls into scripts, by kind.", by: "kind",
            times.map { ($0, $1.calls) })
        text.add(
            "mooncast_script_seconds_total", .counter, "Time in scripts, without their waits, by kind.", by: "kind",
            times.map { ($0, Double($1.nanoseconds) / 1e9) })
        text.add("mooncast_script_errors_total", .counter, "Errors of scripts.", scripts.errors)
        text.add("mooncast_lua_memory_bytes", .gauge, "Memory in use by Lua values.", scripts.memory)
    }
}
