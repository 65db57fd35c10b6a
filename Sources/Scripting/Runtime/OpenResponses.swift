import Delivery
import HTTP

/// Responses that outlive their handlers: held ones, and those whose end a script wants to hear of.
final class OpenResponses {
    private var held: [Int: ResponseObject] = [:]
    /// The clients of held ones, so that one of thousands that leaves is found at once.
    private var clients: [Exchange.ID: Int] = [:]
    private var sent: [Exchange.ID: ResponseObject] = [:]
    private var streams: [StreamID: ResponseObject] = [:]

    func hold(_ response: ResponseObject) {
        held[response.requestObject.clientID] = response
        clients[response.exchange.id] = response.requestObject.clientID
    }

    func held(_ clientID: Int) -> ResponseObject? { held[clientID] }

    func release(_ response: ResponseObject) {
        held[response.requestObject.clientID] = nil
        clients[response.exchange.id] = nil
    }

    /// Sent, but perhaps not yet with the kernel.
    func await(_ response: ResponseObject) { sent[response.exchange.id] = response }
    func finished(_ exchange: Exchange.ID) -> ResponseObject? { sent.removeValue(forKey: exchange) }

    /// It has become this stream.
    func await(_ response: ResponseObject, _ stream: StreamID) { streams[stream] = response }
    func closed(_ stream: StreamID) -> ResponseObject? { streams.isEmpty ? nil : streams.removeValue(forKey: stream) }

    /// The response whose client is gone.
    func gone(_ exchange: Exchange.ID) -> ResponseObject? {
        if let response = sent.removeValue(forKey: exchange) { return response }
        guard let response = clients[exchange].flatMap({ held[$0] }) else { return nil }
        release(response)
        return response
    }
}
