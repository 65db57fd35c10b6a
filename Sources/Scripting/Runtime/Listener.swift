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
        case bound(ListeningSocket, TLSIdentity?)
        case accepting(any Channel, port: Int, TLSIdentity?)
        /// `mooncast check`: nothing is bound, and the scripts see the port they asked for.
        case pretending(port: Int)
    }

    private let configuration: ScriptHost.Configuration
    private let loop: any EventLoop
    private let log: Logger
    private var phase = Phase.stopped
    private var mayAccept = false
    var server: Server?
    /// Why a script's `listen` has failed, if it has and none succeeded since.
    var refusal: ListenFailure?
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
        case .bound(let socket, _): socket.port
        case .accepting(_, let port, _), .pretending(let port): port
        }
    }

    /// Binds. What the command line says goes before what the script says. With an identity connections speak TLS.
    func listen(port: Int, address: String, identity: TLSIdentity? = nil) throws(ListeningSocket.Failure) {
        let port = configuration.port ?? port
        let address = configuration.host ?? address
        guard !configuration.isCheck else {
            phase = .pretending(port: port)
            return
        }
        let identity = configuration.identity ?? identity
        phase = .bound(try ListeningSocket(address: address, port: port), identity)
        refusal = nil
        if let warning = identity?.warning { log.warning("\(warning)") }
        if mayAccept { accept() }
    }

    /// Every `_ready` has returned: accept, on the default port if no script has chosen one.
    ///
    /// - Throws: when one has, and did not get what it asked for: it must not be served elsewhere, or without TLS.
    func ready() throws {
        mayAccept = true
        if let refusal, !isListening { throw refusal }
        if !isListening {
            return try listen(port: ScriptHost.Configuration.defaultPort, address: ScriptHost.Configuration.defaultHost)
        }
        accept()
    }

    private func accept() {
        guard case .bound(let socket, let identity) = phase, let server else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        server.accept(on: socket, identity: identity).hop(to: loop).whenComplete { result in
            bound.value.accepted(result, on: socket, identity)
        }
    }

    private func accepted(
        _ result: Result<any Channel, any Error>, on socket: ListeningSocket, _ identity: TLSIdentity?
    ) {
        switch result {
        case .success(let channel):
            // Stopped meanwhile, and perhaps bound elsewhere.
            guard case .bound(let bound, _) = phase, bound.descriptor == socket.descriptor else {
                return channel.close(promise: nil)
            }
            phase = .accepting(channel, port: socket.port, identity)
            let scheme = identity == nil ? "http" : "https"
            log.info("listening", metadata: ["url": "\(scheme)://\(host(of: channel)):\(socket.port)"])
            onEvent(.started(port: socket.port))
        case .failure(let error):
            phase = .stopped
            onFailure(error)
        }
    }

    private func host(of channel: any Channel) -> String {
        let address = channel.localAddress?.ipAddress ?? "127.0.0.1"
        if address == "::" || address == "0.0.0.0" { return "localhost" }
        return address.contains(":") ? "[\(address)]" : address
    }

    /// Reads key and certificate again; connections from now on get them. What is wrong with them is logged, and the old
    /// ones stay.
    func reloadCertificate() {
        let identity: TLSIdentity?
        switch phase {
        case .bound(_, let bound): identity = bound
        case .accepting(_, _, let accepting): identity = accepting
        case .stopped, .pretending: identity = nil
        }
        guard let identity else { return log.info("there is no certificate to read again: nothing listens with TLS") }
        do throws(TLSIdentity.Failure) {
            try identity.reload()
            log.info("the certificate was read again")
            if let warning = identity.warning { log.warning("\(warning)") }
        } catch {
            log.error("the certificate stays as it was: \(error.description)")
        }
    }

    /// Closes the port and says so; the caller ends what is open.
    func stop() {
        let previous = phase
        guard isListening else { return }
        phase = .stopped
        switch previous {
        case .accepting(let channel, _, _): channel.close(promise: nil)
        case .bound(let socket, _): if !mayAccept { socket.discard() }
        case .pretending, .stopped: return
        }
        onEvent(.stopping)
    }
}
