import HTTP
import Logging
import NIOCore

/// Whether the server listens: what `HTTPServer.listen` and `stop` do. Lives on the script loop.
final class Listener {
    enum Event {
        case started(port: Int)
        case stopping
    }

    /// A socket is bound at once; it accepts when every `_ready` has returned.
    private enum Phase {
        case stopped
        case bound(ListeningSocket)
        case accepting(any Channel, port: Int)
        /// `mooncast check`: nothing is bound, and the scripts see the port they asked for.
        case pretending(port: Int)
    }

    private let configuration: ScriptHost.Configuration
    private let loop: any EventLoop
    private let log: Logger
    private var phase = Phase.stopped
    private var mayAccept = false
    var server: Server?
    var onEvent: (Event) -> Void = { _ in }
    /// Accepting could not begin.
    var onFailure: (any Error) -> Void = { _ in }

    init(configuration: ScriptHost.Configuration, loop: any EventLoop, log: Logger) {
        self.configuration = configuration
        self.loop = loop
        self.log = log
    }

    var isListening: Bool { if case .stopped = phase { false } else { true } }

    var isAccepting: Bool { if case .accepting = phase { true } else { false } }

    /// 0 when not listening.
    var port: Int {
        switch phase {
        case .stopped: 0
        case .bound(let socket): socket.port
        case .accepting(_, let port), .pretending(let port): port
        }
    }

    /// Binds. What the command line says goes before what the script says.
    func listen(port: Int, address: String) throws(ListeningSocket.Failure) {
        let port = configuration.port ?? port
        let address = configuration.host ?? address
        guard !configuration.isCheck else {
            phase = .pretending(port: port)
            return
        }
        phase = .bound(try ListeningSocket(address: address, port: port))
        if mayAccept { accept() }
    }

    /// Every `_ready` has returned: accept, on the default port if no script has chosen one.
    func ready() throws(ListeningSocket.Failure) {
        mayAccept = true
        if !isListening {
            return try listen(port: ScriptHost.Configuration.defaultPort, address: ScriptHost.Configuration.defaultHost)
        }
        accept()
    }

    private func accept() {
        guard case .bound(let socket) = phase, let server else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        server.accept(on: socket).hop(to: loop).whenComplete { result in bound.value.accepted(result, port: socket.port)
        }
    }

    private func accepted(_ result: Result<any Channel, any Error>, port: Int) {
        switch result {
        case .success(let channel):
            guard case .bound = phase else { return channel.close(promise: nil) }  // stopped meanwhile
            phase = .accepting(channel, port: port)
            log.info("listening", metadata: ["url": "\(url(of: channel, port: port))"])
            onEvent(.started(port: port))
        case .failure(let error):
            phase = .stopped
            onFailure(error)
        }
    }

    private func url(of channel: any Channel, port: Int) -> String {
        let address = channel.localAddress?.ipAddress ?? "127.0.0.1"
        if address == "::" || address == "0.0.0.0" { return "http://localhost:\(port)" }
        return address.contains(":") ? "http://[\(address)]:\(port)" : "http://\(address):\(port)"
    }

    /// Closes the port and says so; the caller ends what is open.
    func stop() {
        let previous = phase
        guard isListening else { return }
        phase = .stopped
        switch previous {
        case .accepting(let channel, _): channel.close(promise: nil)
        case .bound(let socket): if !mayAccept { socket.discard() }
        case .pretending, .stopped: return
        }
        onEvent(.stopping)
    }
}
