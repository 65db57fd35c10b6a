import Scripting
import Testing

@testable import Tool

@Suite struct RoutesTests {
    private let routes = [
        RegisteredRoute(method: "GET", path: "/", source: "main.lua", line: 3),
        RegisteredRoute(method: "DELETE", path: "/rooms/{room}", source: "lib/rooms.lua", line: 12),
        RegisteredRoute(method: "*", path: "/\u{1B}é", source: "=[C]", line: 0),
    ]

    @Test func `routes stand in columns`() {
        #expect(
            Routes.table(routes) == """
                METHOD  PATH           SOURCE
                GET     /              main.lua:3
                DELETE  /rooms/{room}  lib/rooms.lua:12
                *       /␛é            =[C]
                """)
    }

    @Test func `as JSON they are an array of objects, each on its line`() {
        #expect(
            Routes.json(Array(routes.prefix(2))) == """
                [
                {"method":"GET","path":"/","source":"main.lua","line":3},
                {"method":"DELETE","path":"/rooms/{room}","source":"lib/rooms.lua","line":12}
                ]
                """)
    }

    @Test func `no routes are a head and an empty array`() {
        #expect(Routes.table([]) == "METHOD  PATH  SOURCE")
        #expect(Routes.json([]) == "[]")
    }
}
