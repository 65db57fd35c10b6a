// swift-tools-version:6.2
import PackageDescription

// In CI a warning is an error.
let isCI = Context.environment["CI"] != nil

// What every Swift target of ours is compiled with.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (isCI ? [.treatAllWarnings(as: .error)] : [])

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }
func ssl(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio-ssl") }
func extras(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio-extras") }
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let ssl = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

// The interpreter stands alone: no dependency but liblua.
let interpreter: [Target] = [
    .systemLibrary(
        name: "CLuaSystem",
        pkgConfig: "lua5.4",
        providers: [.apt(["liblua5.4-dev", "pkg-config"]), .brew(["lua"])]
    ),
    .target(name: "CLua", dependencies: ["CLuaSystem"]),
    .target(name: "Lua", dependencies: ["CLua"], swiftSettings: settings),
    .testTarget(name: "LuaTests", dependencies: ["Lua"], swiftSettings: settings),
]

// The delivery loops, with what they stand on.
let delivery: [Target] = [
    .target(name: "EventStream", dependencies: [nio("NIOCore")], swiftSettings: settings),
    .target(name: "CSockets"),
    .target(
        name: "Delivery", dependencies: ["CSockets", "EventStream", nio("NIOCore"), nio("NIOPosix")],
        swiftSettings: settings),
    .target(
        name: "TestClock", dependencies: ["Delivery", nio("NIOCore")], path: "Tests/TestClock", swiftSettings: settings),
    .testTarget(
        name: "DeliveryTests",
        dependencies: ["Delivery", "EventStream", "TestClock", nio("NIOCore"), nio("NIOEmbedded"), nio("NIOPosix")],
        swiftSettings: settings
    ),
]

let server: [Target] = [
    .target(name: "PubSub", dependencies: ["Delivery", "EventStream", nio("NIOCore")], swiftSettings: settings),
    .target(
        name: "Redis",
        dependencies: [
            "Delivery", "EventStream", "PubSub", logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOTLS"), ssl,
        ],
        resources: ["common", "publish", "read", "locate", "members", "beat", "leave", "sweep", "trim"].map {
            .embedInCode("Scripts/\($0).lua")
        },
        swiftSettings: settings
    ),
    .target(
        name: "HTTP",
        dependencies: [
            "Delivery", "EventStream", httpTypes, logging,
            nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOTLS"), nio("NIOEmbedded"), ssl("NIOSSL"),
            extras("NIOHTTPTypes"), extras("NIOHTTPTypesHTTP1"), extras("NIOHTTPCompression"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "Scripting",
        dependencies: [
            "Lua", "EventStream", "Delivery", "PubSub", "Redis", "HTTP", httpTypes, logging, nio("NIOCore"),
            nio("NIOPosix"),
        ],
        resources: [
            .embedInCode("Prelude/signal.lua"), .embedInCode("Prelude/waiting.lua"), .embedInCode("Prelude/timer.lua"),
            .embedInCode("Prelude/require.lua"), .embedInCode("Prelude/objects.lua"),
            .embedInCode("Prelude/event.lua"), .embedInCode("Prelude/middleware.lua"),
            .embedInCode("Prelude/hyperexpress.lua"), .embedInCode("Prelude/s42core.lua"),
            .embedInCode("Prelude/swiftybase.lua"),
        ],
        swiftSettings: settings
    ),
    .target(
        name: "Metrics",
        dependencies: ["Scripting", "HTTP", "Delivery", "EventStream", httpTypes, nio("NIOCore"), nio("NIOPosix")],
        swiftSettings: settings
    ),
    .target(
        name: "Client",
        dependencies: ["EventStream", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), ssl],
        swiftSettings: settings
    ),
    .executableTarget(
        name: "Tool",
        dependencies: [
            "Client", "Metrics", "Scripting", "HTTP", "Delivery", "EventStream", logging, nio("NIOCore"),
            nio("NIOPosix"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        ],
        swiftSettings: settings
    ),
    // Only for scripts/bench.
    .executableTarget(
        name: "HostServer",
        dependencies: ["HTTP", "Delivery", "EventStream", httpTypes, nio("NIOCore"), nio("NIOPosix")],
        path: "Benchmarks/HostServer",
        swiftSettings: settings
    ),
    .target(
        name: "TestKit",
        dependencies: [
            "EventStream", "Delivery", "TestClock", "HTTP", "Scripting", logging, nio("NIOCore"), nio("NIOPosix"),
            nio("NIOTLS"),
            ssl("NIOSSL"),
        ],
        path: "Tests/TestKit",
        swiftSettings: settings
    ),
    .testTarget(name: "EventStreamTests", dependencies: ["EventStream", "TestKit"], swiftSettings: settings),
    .testTarget(
        name: "PubSubTests",
        dependencies: [
            "PubSub", "Redis", "TestKit", "Delivery", "EventStream", logging, nio("NIOCore"), nio("NIOPosix"),
        ],
        swiftSettings: settings
    ),
    // Redis' own client library, which the parser is held against. Not by pkg-config: SwiftPM warns of its flags, and
    // every build would look for it.
    .systemLibrary(name: "CHiredis", path: "Tests/CHiredis"),
    .testTarget(
        name: "RedisTests",
        dependencies: [
            "Redis", "CHiredis", "TestKit", "PubSub", "EventStream", "Delivery", logging,
            nio("NIOCore"), nio("NIOPosix"), nio("NIOEmbedded"),
        ],
        swiftSettings: settings
    ),
    .testTarget(
        name: "HTTPTests",
        dependencies: [
            "HTTP", "TestKit", "Delivery", "EventStream", "Scripting", httpTypes,
            nio("NIOCore"), nio("NIOPosix"), nio("NIOEmbedded"), nio("NIOHTTP1"), nio("NIOTLS"), extras("NIOHTTPTypes"),
        ],
        swiftSettings: settings
    ),
    .testTarget(
        name: "MetricsTests",
        dependencies: ["Metrics", "TestKit", "Scripting", "HTTP", "Delivery", "EventStream"],
        swiftSettings: settings
    ),
    .testTarget(
        name: "ClientTests",
        dependencies: ["Client", "EventStream", "TestKit", nio("NIOCore")],
        swiftSettings: settings
    ),
    .testTarget(
        name: "ToolTests",
        dependencies: ["Tool", "Client", "EventStream", "Scripting", "TestKit"],
        swiftSettings: settings
    ),
    .testTarget(name: "ScriptingTests", dependencies: ["Scripting", "TestKit"], swiftSettings: settings),
]

// `MOONCAST_PACKAGE=lua` leaves only the interpreter, `MOONCAST_PACKAGE=delivery` only the delivery loops: the runs under
// sanitizers then build little else.
let part = Context.environment["MOONCAST_PACKAGE"] ?? "all"

let swiftNIO = Package.Dependency.package(url: "https://github.com/apple/swift-nio", from: "2.101.0")
let dependencies: [Package.Dependency] = [
    swiftNIO,
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
]

let package =
    switch part {
    case "lua": Package(name: "mooncast", targets: interpreter)
    case "delivery":
        Package(name: "mooncast", platforms: [.macOS(.v15)], dependencies: [swiftNIO], targets: delivery)
    default:
        Package(
            name: "mooncast", platforms: [.macOS(.v15)],
            products: [.executable(name: "mooncast", targets: ["Tool"])],
            dependencies: dependencies, targets: interpreter + delivery + server)
    }
