import NIOCore
import PubSub
import TestKit
import Testing

@Suite struct HistoryRulesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let pattern: String
        var fitting: [String] = []
        var other: [String] = []

        var testDescription: String { pattern }
    }

    @Test(arguments: [
        Case(pattern: "", other: ["a", "*"]),
        Case(pattern: "a", fitting: ["a"], other: ["b", "aa", "A", "*", "ab", "ba"]),
        Case(pattern: "*", fitting: ["a", "abc", "*", "\n", "\0", "a/b.c", "\u{1F319}"]),
        Case(pattern: "**", fitting: ["a", "abc", "*"]),
        Case(pattern: "a*", fitting: ["a", "ab", "a*", "aaa", "a\n"], other: ["b", "ba", "A"]),
        Case(pattern: "*a", fitting: ["a", "ba", "aaa", "aba"], other: ["b", "ab"]),
        Case(pattern: "*a*", fitting: ["a", "bab", "aa"], other: ["b", "bbb"]),
        Case(
            pattern: "a*b", fitting: ["ab", "acb", "abb", "aab", "abab", "a*b"], other: ["a", "b", "aba", "ba", "abc"]),
        Case(pattern: "a**b", fitting: ["ab", "acb"], other: ["a", "aba"]),
        Case(pattern: "a*a", fitting: ["aa", "aaa", "aba"], other: ["a", "ab", "ba"]),
        Case(pattern: "ab*ba", fitting: ["abba", "abxba", "abbaba"], other: ["aba", "abab", "ab"]),
        Case(pattern: "*ab*ab*", fitting: ["abab", "xabxabx", "aabbaabb"], other: ["ab", "aab", "abba"]),
        Case(pattern: "*aab", fitting: ["aab", "aaab", "aaaab", "aabaab"], other: ["ab", "aaba"]),
        Case(pattern: "score:*", fitting: ["score:", "score:1", "score:*"], other: ["score", "scores:1", "xscore:1"]),
        Case(pattern: "a?b[c].\\d", fitting: ["a?b[c].\\d"], other: ["axbc.d", "a?bc.\\d", "ab[c].\\d"]),
        Case(pattern: "*\u{1F319}", fitting: ["\u{1F319}", "a\u{1F319}"], other: ["\u{1F318}"]),
    ])
    func `a star is any run of bytes, and all else is itself`(sample: Case) {
        for text in sample.fitting {
            #expect(HistoryRules.matches(Array(text.utf8), Array(sample.pattern.utf8)), "\(text)")
        }
        for text in sample.other {
            #expect(!HistoryRules.matches(Array(text.utf8), Array(sample.pattern.utf8)), "\(text)")
        }
    }

    /// What matching means, in the fewest words.
    private func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == UInt8(ascii: "*") {
            return matches(name, pattern.dropFirst()) || (!name.isEmpty && matches(name.dropFirst(), pattern))
        }
        return name.first == first && matches(name.dropFirst(), pattern.dropFirst())
    }

    @Test(arguments: 0..<50) func `it matches as the definition does`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func text(_ alphabet: String, _ count: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: count, using: &random)).map { _ in alphabet.utf8.randomElement(using: &random)! }
        }
        for _ in 0..<200 {
            let pattern = text("ab**", 0...8)
            let name = text("ab*", 0...10)
            let expected = matches(name[...], pattern[...])
            #expect(
                HistoryRules.matches(name, pattern) == expected,
                "\(String(decoding: name, as: UTF8.self)) against \(String(decoding: pattern, as: UTF8.self))")
        }
    }

    @Test func `a pattern of many stars takes no longer than the product of the lengths`() {
        let name = Array(String(repeating: "a", count: 1024).utf8)
        let pattern = Array((String(repeating: "a*", count: 500) + "b").utf8)
        #expect(!HistoryRules.matches(name, pattern))
        #expect(HistoryRules.matches(name, Array(pattern.dropLast()) + [UInt8(ascii: "a")]))
    }

    // MARK: which rule

    private func rules(_ patterns: [(String, Int)]) -> HistoryRules {
        var rules = HistoryRules()
        for (pattern, count) in patterns { rules.set(Array(pattern.utf8), HistoryRule(count: count)) }
        return rules
    }

    @Test func `without rules, and where none fits, it is a hundred of the last hour`() {
        let expected = HistoryRule(count: 100, maxAge: .hours(1))
        #expect(HistoryRule() == expected)
        #expect(HistoryRules().rule(for: name("a")) == expected)
        #expect(rules([("b*", 1)]).rule(for: name("a")) == expected)
    }

    @Test func `the first that fits counts`() {
        let both = rules([("a*", 1), ("ab", 2), ("*", 3)])
        #expect(["a", "ab", "b"].map { both.rule(for: name($0)).count } == [1, 1, 3])
    }

    @Test func `a pattern that is set again keeps its place`() {
        let again = rules([("a*", 1), ("*", 2), ("a*", 5)])
        #expect(["a", "b"].map { again.rule(for: name($0)).count } == [5, 2])
        let behind = rules([("*", 2), ("a*", 1), ("a*", 5)])
        #expect(behind.rule(for: name("a")).count == 2)
    }
}
