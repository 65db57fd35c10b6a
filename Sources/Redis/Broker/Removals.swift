import Delivery
import NIOCore
import PubSub

/// Streams that are to leave a channel and are on another node: every node is asked, the owner does it.
///
/// On the channel for all: `remove <number> <node> <0 or 1> <uuid> <channel>`; to the node that asks: `removed <number>
/// <0 or 1>`.
final class Removals {
    private final class Question {
        let answer: (Result<Bool, BrokerFailure>) -> Void
        /// How many nodes were asked; nil while Redis has not said.
        var asked: Int?
        var refusals = 0
        var timeout: LoopTimers.Token?

        init(_ answer: @escaping (Result<Bool, BrokerFailure>) -> Void) { self.answer = answer }
    }

    private static let patience = TimeAmount.seconds(2)

    private let link: ClusterLink
    weak var node: (any BrokerNode)?
    /// Called before another node is told that a stream was removed: it may ask at once how many are left.
    var beforeAnswer: () -> Void = {}
    private var questions: [Int: Question] = [:]
    private var last = 0

    init(link: ClusterLink) { self.link = link }

    func ask(_ removal: Removal, _ answer: @escaping (Result<Bool, BrokerFailure>) -> Void) {
        guard !removal.uuid.isEmpty, removal.uuid.utf8.allSatisfy({ $0 != UInt8(ascii: " ") }) else {
            return answer(.success(false))  // no stream is called so
        }
        guard link.isCommanding, link.messages.isConnected else { return answer(.failure(.unreachable)) }
        last += 1
        let number = last
        let question = Question(answer)
        questions[number] = question
        question.timeout = link.timers.schedule(after: Self.patience) { [weak self] in
            self?.settle(number, .failure(.tooOld))
        }
        var message = ByteBuffer(string: "remove \(number) \(link.node) \(removal.closes ? 1 : 0) \(removal.uuid) ")
        message.writeBytes(removal.channel.bytes)
        var command = RedisCommand("PUBLISH")
        command.append(link.keys.control)
        command.append(message)
        link.run(command) { [weak self] result in
            guard let self, let question = questions[number] else { return }
            switch result {
            case .success(.integer(let count)):
                question.asked = Int(count)
                check(number, question)
            case .success: settle(number, .failure(.refused("no number")))
            case .failure(let error): settle(number, .failure(error.failure))
            }
        }
    }

    private func check(_ number: Int, _ question: Question) {
        if let asked = question.asked, question.refusals >= asked { settle(number, .success(false)) }
    }

    private func settle(_ number: Int, _ result: Result<Bool, BrokerFailure>) {
        guard let question = questions.removeValue(forKey: number) else { return }
        if let timeout = question.timeout { link.timers.cancel(timeout) }
        question.answer(result)
    }

    /// Another node asks, or this one.
    func asked(_ message: ByteBuffer) {
        let words = message.readableBytesView.split(separator: UInt8(ascii: " "), maxSplits: 5)
        guard words.count == 6, words[0].elementsEqual("remove".utf8), let name = try? ChannelName(words[5]) else {
            return
        }
        let removal = Removal(
            uuid: String(decoding: words[4], as: UTF8.self), channel: name,
            closes: words[3].elementsEqual("1".utf8))
        let isRemoved = node?.remove(removal) ?? false
        if isRemoved { beforeAnswer() }
        var command = RedisCommand("PUBLISH")
        command.append(link.keys.node(String(decoding: words[2], as: UTF8.self)))
        command.append("removed \(String(decoding: words[1], as: UTF8.self)) \(isRemoved ? 1 : 0)")
        link.commands.send(command)
    }

    /// A node has answered.
    func answered(_ number: Int, isRemoved: Bool) {
        guard let question = questions[number] else { return }
        if isRemoved { return settle(number, .success(true)) }
        question.refusals += 1
        check(number, question)
    }
}
