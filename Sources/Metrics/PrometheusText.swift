/// Metrics in Prometheus' text format, version 0.0.4.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/
struct PrometheusText {
    enum Kind: String { case counter, gauge, histogram }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// One metric of one value.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some Numeric) {
        begin(name, kind, help)
        line(name, [], value)
    }

    /// One metric with a value for each value of a label.
    mutating func add(
        _ name: String, _ kind: Kind, _ help: String, by label: String, _ values: [(String, some Numeric)]
    ) {
        begin(name, kind, help)
        for (labelled, value) in values { line(name, [(label, labelled)], value) }
    }

    /// A histogram: `counts` has one number for each bound, of what is over the bound before, and one for the rest.
    mutating func add(histogram name: String, _ help: String, bounds: [Double], counts: [Int], sum: Double) {
        begin(name, .histogram, help)
        var total = 0
        for (bound, count) in zip(bounds.map { "\($0)" } + ["+Inf"], counts) {
            total += count
            line(name + "_bucket", [("le", bound)], total)
        }
        line(name + "_sum", [], sum)
        line(name + "_count", [], total)
    }

    private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: some Numeric) {
        text += name
        if !labels.isEmpty { text += "{" + labels.map { "\($0)=\"\($1)\"" }.joined(separator: ",") + "}" }
        text += " \(value)\n"
    }
}
