import NIOCore
import TestKit
import Testing

@testable import HTTP

/// `multipart/form-data` drawn at random, whole, cut and damaged.
@Suite(.timeLimit(.minutes(5))) struct FormRandomTests {
    private func samples(_ seed: Int, _ count: Int) -> (samples: [FormSample], dice: SplitMix64) {
        var dice = SplitMix64(seed: UInt64(seed))
        var samples: [FormSample] = []
        for _ in 0..<count { samples.append(FormSample.draw(from: &dice)) }
        return (samples, dice)
    }

    @Test(arguments: 1...20)
    func `a form comes out as it was put in`(seed: Int) {
        for sample in samples(seed, 40).samples {
            for end in ["", "\r\n", " \t\r\n", "\r\nan epilogue\r\n--\(sample.boundary)\r\n"] {
                let found = sample.parse(sample.body + Array(end.utf8))
                #expect(found == .success(sample.fields), "\(String(decoding: sample.body, as: UTF8.self))")
            }
        }
    }

    @Test(arguments: 1...20)
    func `a form that is cut at any byte is refused`(seed: Int) {
        for sample in samples(seed, 6).samples {
            for count in 0..<sample.body.count {
                let found = sample.parse(Array(sample.body.prefix(count)))
                guard case .failure(let error) = found else {
                    Issue.record("\(count) of \(String(decoding: sample.body, as: UTF8.self).debugDescription)")
                    continue
                }
                #expect(error == .cut || error == .boundaryNotFound, "\(count)")
            }
            #expect(sample.parse(sample.body + [0x0D]) == .failure(.cut))
        }
    }

    @Test(arguments: 1...20)
    func `a damaged form gives fields or an error, and the same each time`(seed: Int) {
        let drawn = samples(seed, 40)
        var dice = drawn.dice
        let likely = Array("\r\n-;=\"%\\: a\u{0}".utf8)
        for sample in drawn.samples {
            var bytes = sample.body
            for _ in 0..<Int.random(in: 1...5, using: &dice) where !bytes.isEmpty {
                let place = bytes.indices.randomElement(using: &dice)!
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(UInt8.random(in: .min ... .max, using: &dice), at: place)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...40, using: &dice)))
                default: bytes[place] = likely.randomElement(using: &dice)!
                }
            }
            let found = sample.parse(bytes)
            #expect(found == sample.parse(bytes))
            if case .success(let fields) = found {
                #expect(fields.reduce(0) { $0 + $1.value.readableBytes } <= bytes.count)
            }
        }
    }

    @Test(arguments: 1...20)
    func `random bytes are no form`(seed: Int) {
        var dice = SplitMix64(seed: UInt64(seed))
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...300, using: &dice)).map { _ in
                UInt8.random(in: .min ... .max, using: &dice)
            }
            #expect(
                FormRequest.parse(bytes, type: "multipart/form-data; boundary=boundary") == .failure(.boundaryNotFound))
        }
    }

    /// Megabytes of what almost is a boundary. In quadratic time each of these would take hours.
    @Test(arguments: [
        "\r", "\n", "\r\n", "\r\n-", "\r\n--", "\r\n--bbbbbbbb", "\r\r\n--bbbbbbb", "--bbbbbbbbbb",
        "\r\n--bbbbbbbbb\u{0}",
    ])
    func `a hostile body takes time in proportion to its size`(piece: String) {
        let boundary = String(repeating: "b", count: 70)
        let filling = Array(String(repeating: piece, count: (4 << 20) / piece.utf8.count).utf8)
        let type = "multipart/form-data; boundary=\(boundary)"
        #expect(FormRequest.parse(filling, type: type) == .failure(.boundaryNotFound))
        let head = Array("--\(boundary)\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8)
        #expect(FormRequest.parse(head + filling, type: type) == .failure(.cut))
        let whole = FormRequest.parse(head + filling + Array("\r\n--\(boundary)--".utf8), type: type)
        #expect((try? whole.get())?.map(\.value.readableBytes) == [filling.count])
    }

    @Test(arguments: ["&", "=", "a&", "=&", "%", "%4", "+", "a=b&"])
    func `a hostile urlencoded body takes time in proportion to its size`(piece: String) {
        let body = Array(String(repeating: piece, count: (2 << 20) / piece.utf8.count).utf8)
        let found = FormRequest.parse(body, type: "application/x-www-form-urlencoded")
        let many = ["a&", "=&", "a=b&"].contains(piece)
        switch found {
        case .success(let fields): #expect(!many && fields.count <= 1)
        case .failure(let error): #expect(many && error == .tooManyFields(limit: 1000))
        }
    }
}
