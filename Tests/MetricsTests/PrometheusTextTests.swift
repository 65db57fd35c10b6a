import Testing

@testable import Metrics

@Suite struct PrometheusTextTests {
    @Test func `a counter is a name, a help, a type and a number`() {
        var text = PrometheusText()
        text.add("a_total", .counter, "What it counts.", 3)
        text.add("b", .gauge, "What it is.", 0.25)
        #expect(
            text.text == """
                # HELP a_total What it counts.
                # TYPE a_total counter
                a_total 3
                # HELP b What it is.
                # TYPE b gauge
                b 0.25

                """)
    }

    @Test func `a metric by label has a line for each value`() {
        var text = PrometheusText()
        text.add("a_total", .counter, "What.", by: "kind", [("x", 1), ("y", 2)])
        #expect(
            text.text == """
                # HELP a_total What.
                # TYPE a_total counter
                a_total{kind="x"} 1
                a_total{kind="y"} 2

                """)
    }

    @Test func `the buckets of a histogram add up`() {
        var text = PrometheusText()
        text.add(histogram: "t_seconds", "Time.", bounds: [0.5, 1], counts: [2, 3, 4], sum: 12.5)
        #expect(
            text.text == """
                # HELP t_seconds Time.
                # TYPE t_seconds histogram
                t_seconds_bucket{le="0.5"} 2
                t_seconds_bucket{le="1.0"} 5
                t_seconds_bucket{le="+Inf"} 9
                t_seconds_sum 12.5
                t_seconds_count 9

                """)
    }
}
