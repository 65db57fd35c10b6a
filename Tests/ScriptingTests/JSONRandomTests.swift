import TestKit
import Testing

/// `JSON.encode` and `JSON.decode` on values drawn at random, with Foundation as the other opinion.
@Suite(.timeLimit(.minutes(5))) struct JSONRandomTests {
    private static let samplesPerSeed = 10

    /// The samples of a seed, and the dice that drew them.
    private func draw(_ seed: Int) -> (samples: [JSONSample], dice: SplitMix64) {
        var dice = SplitMix64(seed: UInt64(seed))
        var samples: [JSONSample] = []
        for _ in 0..<Self.samplesPerSeed { samples.append(JSONSample.draw(from: &dice)) }
        return (samples, dice)
    }

    /// Runs code that has a function `read(text)`, which raises where decode gives a message, and a function
    /// `same(a, b)`, which compares by contents and tells integers from floats.
    private func run(_ code: String) async throws -> String {
        try await Snippets.run(
            """
            local function read(text)
              local value, message = JSON.decode(text)
              if message then error(message) end
              return value
            end
            local function same(a, b)
              if type(a) ~= "table" or type(b) ~= "table" or a == JSON.null or b == JSON.null then
                return a == b and math.type(a) == math.type(b)
              end
              for key, value in pairs(a) do if not same(value, b[key]) then return false end end
              for key in pairs(b) do if a[key] == nil then return false end end
              return true
            end
            \(code)
            """)
    }

    @Test(arguments: 1...20)
    func `Foundation reads in what encode writes the value that decode was given`(seed: Int) async throws {
        let drawn = draw(seed)
        var dice = drawn.dice
        for sample in drawn.samples {
            let text = sample.json(&dice)
            let original = try JSONSample.foundation(text)
            #expect(sample.matches(original), "the oracle itself: \(text)")
            for options in ["", ", { pretty = true }"] {
                let code = "return JSON.encode(read(\(JSONSample.literal(text.utf8)))\(options))"
                let written = try await run(code)
                let found = try? JSONSample.foundation(written)
                #expect(found.map { sample.matches($0) } == true, "\(text) became \(written)")
            }
        }
    }

    @Test(arguments: 1...20)
    func `Foundation reads in what encode writes the value that the script has`(seed: Int) async throws {
        for sample in draw(seed).samples {
            let written = try await run("return JSON.encode(\(sample.lua))")
            let found = try? JSONSample.foundation(written)
            #expect(found.map { sample.matches($0) } == true, "\(sample.lua) became \(written)")
        }
    }

    @Test(arguments: 1...20)
    func `decode gives back what encode was given, integers as integers and floats as floats`(seed: Int) async throws {
        for sample in draw(seed).samples {
            let code = """
                local value = \(sample.lua)
                local text = JSON.encode(value)
                return same(value, read(text)), same(value, read(JSON.encode(value, { pretty = true }))),
                  same(value, read(JSON.encode(read(text))))
                """
            let result = try await run(code)
            #expect(result == "true true true", "\(sample.lua)")
        }
    }

    @Test(arguments: 1...20)
    func `a damaged text gives a value, or nil and a message that names the byte`(seed: Int) async throws {
        let drawn = draw(seed)
        var dice = drawn.dice
        for sample in drawn.samples {
            var bytes = Array(sample.json(&dice).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &dice) where !bytes.isEmpty {
                let place = bytes.indices.randomElement(using: &dice)!
                switch Int.random(in: 0..<3, using: &dice) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(UInt8.random(in: .min ... .max, using: &dice), at: place)
                default: bytes[place] = Array("\"\\{}[],:tn0-.e\u{0}".utf8).randomElement(using: &dice)!
                }
            }
            let text = JSONSample.literal(bytes)
            let code = """
                local results = table.pack(JSON.decode(\(text)))
                if results.n == 1 then return results[1] ~= nil end
                return results.n == 2 and results[1] == nil and results[2]:find("^JSON: .+ at byte %d+$") == 1
                """
            let result = try await run(code)
            #expect(result == "true", "\(text)")
        }
    }
}
