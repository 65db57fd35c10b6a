import EventStream
import NIOCore
import Testing

@testable import Tool

@Suite struct TailPrinterTests {
    @Test(arguments: [
        (MessageEvent(data: "hello"), "12:00 message: hello\n"),
        (MessageEvent(type: "tick", data: "a", lastEventID: "7"), "12:00 tick (id 7): a\n"),
        (MessageEvent(data: ""), "12:00 message:\n"), (MessageEvent(data: " "), "12:00 message:  \n"),
        (MessageEvent(data: "a\nb"), "12:00 message:\n    a\n    b\n"),
        (MessageEvent(data: "a\n"), "12:00 message:\n    a\n    \n"),
        (MessageEvent(data: "\n"), "12:00 message:\n    \n    \n"),
        (MessageEvent(data: "a\tb"), "12:00 message: a\tb\n"),
        (
            MessageEvent(type: "\u{1B}[2J", data: "\u{1B}]0;x\u{7}\0\u{7F}\u{9B}1m\u{202E}", lastEventID: "\u{8}"),
            "12:00 ␛[2J (id ␈): ␛]0;x␇␀␡\u{FFFD}1m\u{FFFD}\n"
        ),
    ])
    func `an event is shown, and steers no terminal`(event: MessageEvent, text: String) {
        #expect(TailPrinter.text(event, at: "12:00") == text)
    }

    @Test(arguments: [
        (
            MessageEvent(type: "tick", data: "a\nb", lastEventID: "7"),
            #"{"time":"T","type":"tick","id":"7","data":"a\nb"}"#
        ),
        (
            MessageEvent(data: "\"\\\u{1B}\u{0}é\u{2028}"),
            "{\"time\":\"T\",\"type\":\"message\",\"id\":\"\",\"data\":\"\\\"\\\\\\u001b\\u0000é\u{2028}\"}"
        ),
    ])
    func `as JSON an event is an object on one line`(event: MessageEvent, line: String) {
        #expect(TailPrinter.json(event, at: "T") == line + "\n")
    }

    @Test(
        arguments: [
            (.seconds(3), "3.0 s"), (.milliseconds(149), "0.1 s"), (.milliseconds(150), "0.2 s"), (.zero, "0.0 s"),
            (.hours(24), "86400.0 s"),
        ] as [(TimeAmount, String)])
    func `a wait is told in seconds`(time: TimeAmount, text: String) { #expect(TailPrinter.seconds(time) == text) }
}
