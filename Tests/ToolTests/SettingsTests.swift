import ArgumentParser
import Testing

@testable import Tool

@Suite struct SettingsTests {
    private func file(_ text: String) throws -> SettingsFile { try SettingsFile(text) }

    private func sources(_ environment: [String: String] = [:], _ text: String = "") throws -> SettingSources {
        try SettingSources(environment: environment, file: file(text))
    }

    private func failure(_ environment: [String: String] = [:], _ text: String = "") -> String? {
        do {
            _ = try sources(environment, text)
            return nil
        } catch {
            return (error as? SettingSources.Failure)?.message ?? "\(error)"
        }
    }

    @Test func `every option of serve is a setting, and the other way round`() throws {
        let serve = try Serve.parse(["."])
        let wrapped = Mirror(reflecting: serve).children.compactMap { child -> String? in
            let isOption =
                "\(type(of: child.value))".hasPrefix("Option<") || "\(type(of: child.value))".hasPrefix("Flag<")
            return isOption ? child.label.map { String($0.dropFirst()) } : nil
        }
        let words = { (name: String) in name.lowercased().filter { $0 != "-" } }
        #expect(Set(wrapped.map(words)) == Set(Settings.all.map { words($0.name) }))
        #expect(wrapped.count == Settings.all.count)
    }

    @Test(arguments: Settings.all.map(\.name))
    func `every setting refuses nonsense wherever it is written, and says where`(name: String) throws {
        let setting = try #require(Settings.all.first { $0.name == name })
        let nonsense = ["host", "tls-key", "tls-certificate"].contains(setting.name) ? "" : "no-such-value"
        if ["dev", "log-requests", "require-redis"].contains(setting.name) {
            #expect(throws: (any Error).self) { try Serve.parse([".", "\(setting.option)=\(nonsense)"]) }
        } else {
            let error = #expect(throws: (any Error).self) { try Serve.parse([".", "\(setting.option)=\(nonsense)"]) }
            #expect(error.map(Serve.message)?.contains(setting.option) == true)
        }
        if !nonsense.isEmpty {
            #expect(
                failure([setting.variable: nonsense])
                    == "\(setting.variable): expected \(setting.expected), got '\(nonsense)'")
        }
        #expect(
            failure([:], "\n\(setting.key) = '\(nonsense)'")
                == "mooncast.toml:2: \(setting.key): expected \(setting.expected), got the string \"\(nonsense)\"")
    }

    @Test func `names are made of one another`() {
        #expect(Settings.maxConnectionsPerIP.option == "--max-connections-per-ip")
        #expect(Settings.maxConnectionsPerIP.variable == "MOONCAST_MAX_CONNECTIONS_PER_IP")
        #expect(Settings.maxConnectionsPerIP.key == "max_connections_per_ip")
    }

    // MARK: precedence

    @Test func `options win over the environment, which wins over the file`() throws {
        let both = try sources(["MOONCAST_PORT": "2"], "port = 3")
        #expect(both.value(Settings.port, 1) == 1)
        #expect(both.value(Settings.port, nil) == 2)
        #expect(try sources([:], "port = 3").value(Settings.port, nil) == 3)
        #expect(try sources().value(Settings.port, nil) == nil)
    }

    @Test func `an empty variable counts as unset`() throws {
        #expect(try sources(["MOONCAST_PORT": ""], "port = 3").value(Settings.port, nil) == 3)
    }

    @Test func `a value says where it was given`() throws {
        let sources = try sources(["MOONCAST_PORT": "2"], "\n\nthreads = 3")
        #expect(sources.given(Settings.port, 1)?.place == "--port")
        #expect(sources.given(Settings.port, nil)?.place == "MOONCAST_PORT")
        #expect(sources.given(Settings.threads, nil)?.place == "mooncast.toml:3: threads")
    }

    @Test func `what an option overrides must be good as well`() {
        #expect(failure(["MOONCAST_PORT": "x"], "port = 1") == "MOONCAST_PORT: expected 0 to 65535, got 'x'")
        #expect(failure(["MOONCAST_PORT": "1"], "port = -1") == "mooncast.toml:1: port: expected 0 to 65535, got -1")
    }

    // MARK: values

    @Test(arguments: [
        ("MOONCAST_PORT", "65536"), ("MOONCAST_PORT", "-1"), ("MOONCAST_PORT", "8080 "), ("MOONCAST_PORT", "0x50"),
        ("MOONCAST_PORT", "tcp://10.0.0.1:80"), ("MOONCAST_THREADS", "0"), ("MOONCAST_THREADS", "257"),
        ("MOONCAST_MAX_CONNECTIONS", "0"), ("MOONCAST_MAX_CONNECTIONS_PER_IP", "1.5"),
        ("MOONCAST_SHUTDOWN_TIMEOUT", "nan"), ("MOONCAST_SHUTDOWN_TIMEOUT", "inf"),
        ("MOONCAST_SHUTDOWN_TIMEOUT", "86400.1"), ("MOONCAST_SHUTDOWN_TIMEOUT", "-0.1"),
        ("MOONCAST_LOG_LEVEL", "loud"), ("MOONCAST_LOG_FORMAT", "xml"), ("MOONCAST_DEV", "yes"),
        ("MOONCAST_METRICS", "70000"), ("MOONCAST_METRICS", "/"), ("MOONCAST_METRICS", "."),
    ])
    func `a variable of another form or range is an error that names it`(name: String, text: String) throws {
        let message = try #require(failure([name: text]))
        #expect(message.hasPrefix("\(name): expected "))
        #expect(message.hasSuffix(", got '\(text)'"))
    }

    @Test(arguments: [
        ("port = '8080'", "port", "the string \"8080\""), ("port = 8080.0", "port", "8080.0"),
        ("port = true", "port", "true"), ("port = 65536", "port", "65536"), ("host = 1", "host", "1"),
        ("host = ''", "host", "the string \"\""), ("dev = 1", "dev", "1"),
        ("dev = 'true'", "dev", "the string \"true\""),
        ("shutdown_timeout = nan", "shutdown_timeout", "nan"), ("shutdown_timeout = -1", "shutdown_timeout", "-1"),
        ("log_level = 'loud'", "log_level", "the string \"loud\""),
        ("metrics = 70000", "metrics", "70000"), ("metrics = 9464.0", "metrics", "9464.0"),
    ])
    func `a key of another type or range is an error that names file, line and key`(
        line: String, key: String, shown: String
    ) throws {
        let message = try #require(failure([:], "# settings\n\n\(line)\n"))
        #expect(message.hasPrefix("mooncast.toml:3: \(key): expected "))
        #expect(message.hasSuffix(", got \(shown)"))
    }

    @Test(arguments: [
        ("true", "metrics = true", "127.0.0.1:9464"), ("false", "metrics = false", "false"),
        ("9000", "metrics = 9000", "127.0.0.1:9000"), ("[::1]:9000", "metrics = '[::1]:9000'", "[::1]:9000"),
    ])
    func `metrics are an address, a port, or on and off`(text: String, line: String, value: String) throws {
        let given = try sources(["MOONCAST_METRICS": text])
        #expect(given.value(Settings.metrics, nil)?.description == value)
        #expect(try sources([:], line).value(Settings.metrics, nil)?.description == value)
        #expect(try Serve.parse([".", "--metrics", text]).metrics?.description == value)
    }

    @Test(arguments: [("true", true), ("1", true), ("false", false), ("0", false)])
    func `a switch is true or false`(text: String, isOn: Bool) throws {
        #expect(try sources(["MOONCAST_DEV": text]).value(Settings.dev, nil) == isOn)
    }

    @Test func `a switch can be turned off again`() throws {
        let sources = try sources(["MOONCAST_DEV": "1"])
        #expect(try sources.value(Settings.dev, Serve.parse([".", "--no-dev"]).dev) == false)
        #expect(try sources.value(Settings.dev, Serve.parse(["."]).dev) == true)
    }

    @Test func `seconds may be whole or not`() throws {
        #expect(try sources([:], "shutdown_timeout = 5").value(Settings.shutdownTimeout, nil) == 5)
        #expect(try sources([:], "shutdown_timeout = 0.5").value(Settings.shutdownTimeout, nil) == 0.5)
        #expect(try sources(["MOONCAST_SHUTDOWN_TIMEOUT": "0.5"]).value(Settings.shutdownTimeout, nil) == 0.5)
    }

    // MARK: names that are none

    @Test(arguments: [
        ("MOONCAST_PROT", "MOONCAST_PROT in the environment is no setting; did you mean MOONCAST_PORT?"),
        (
            "MOONCAST_MAX_CONECTIONS",
            "MOONCAST_MAX_CONECTIONS in the environment is no setting; did you mean MOONCAST_MAX_CONNECTIONS?"
        ),
        ("MOONCAST_SERVICE_HOST", "MOONCAST_SERVICE_HOST in the environment is no setting"),
        ("MOONCAST_X", "MOONCAST_X in the environment is no setting"),
    ])
    func `an unknown variable is a warning`(name: String, warning: String) throws {
        #expect(try sources([name: "x", "MOONCAST_PORT": "1"]).warnings == [warning])
    }

    @Test(arguments: ["MOONCAST", "PORT", "mooncast_port", "MOON", "XMOONCAST_Y"])
    func `other variables are none of our business`(name: String) throws {
        #expect(try sources([name: "x"]).warnings == [])
    }

    @Test(arguments: [
        ("prot = 1", "mooncast.toml:2: unknown key 'prot'; did you mean 'port'?"),
        ("shutdown-timeout = 1", "mooncast.toml:2: unknown key 'shutdown-timeout'; did you mean 'shutdown_timeout'?"),
        ("Port = 1", "mooncast.toml:2: unknown key 'Port'; did you mean 'port'?"),
        ("colour = 'red'", "mooncast.toml:2: unknown key 'colour'"),
        ("'a.b' = 1", "mooncast.toml:2: unknown key 'a.b'"), ("\"\" = 1", "mooncast.toml:2: unknown key ''"),
    ])
    func `an unknown key is an error that names file and line`(line: String, message: String) {
        #expect(failure([:], "port = 1\n\(line)\nthreads = 2\n") == message)
    }
}
