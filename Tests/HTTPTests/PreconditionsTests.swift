import HTTPTypes
import Testing

@testable import HTTP

/// Of a representation with the tag "now", changed at `changed`.
@Suite struct PreconditionsTests {
    private static let changed = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    private func preconditions(_ headers: HTTPFields, tag: String? = #""now""#, modified: Int? = 784_111_777)
        -> Preconditions
    {
        Preconditions(
            headers: headers, tag: tag.flatMap { EntityTag($0) }, lastModified: modified, now: 1_750_000_000)
    }

    @Test(
        arguments: [
            ([:], .proceed),
            ([.ifMatch: #""now""#], .proceed), ([.ifMatch: #""old", "now""#], .proceed), ([.ifMatch: "*"], .proceed),
            ([.ifMatch: #""old""#], .failed), ([.ifMatch: #"W/"now""#], .failed), ([.ifMatch: "now"], .failed),
            ([.ifMatch: ""], .failed),
            ([.ifNoneMatch: #""now""#], .notModified), ([.ifNoneMatch: #"W/"now""#], .notModified),
            ([.ifNoneMatch: #""old", W/"now""#], .notModified), ([.ifNoneMatch: "*"], .notModified),
            ([.ifNoneMatch: #""old""#], .proceed), ([.ifNoneMatch: "now"], .proceed), ([.ifNoneMatch: ""], .proceed),
            ([.ifModifiedSince: changed], .notModified), ([.ifModifiedSince: after], .notModified),
            ([.ifModifiedSince: before], .proceed), ([.ifModifiedSince: "now"], .proceed),
            ([.ifModifiedSince: "\(after), \(after)"], .proceed),
            ([.ifModifiedSince: "Sunday, 06-Nov-94 08:49:37 GMT"], .notModified),
            ([.ifModifiedSince: "Sun Nov  6 08:49:37 1994"], .notModified),
            ([.ifUnmodifiedSince: changed], .proceed), ([.ifUnmodifiedSince: after], .proceed),
            ([.ifUnmodifiedSince: before], .failed), ([.ifUnmodifiedSince: "now"], .proceed),
        ] as [(HTTPFields, Preconditions.Outcome)])
    func `each condition by itself`(_ headers: HTTPFields, _ outcome: Preconditions.Outcome) {
        #expect(preconditions(headers).outcome == outcome)
    }

    // RFC 9110, 13.2.2: tags go before dates, and what fails before what has not changed.
    @Test(
        arguments: [
            ([.ifMatch: #""now""#, .ifUnmodifiedSince: before], .proceed),
            ([.ifMatch: #""old""#, .ifUnmodifiedSince: after], .failed),
            ([.ifNoneMatch: #""old""#, .ifModifiedSince: after], .proceed),
            ([.ifNoneMatch: #""now""#, .ifModifiedSince: before], .notModified),
            ([.ifMatch: #""old""#, .ifNoneMatch: #""now""#], .failed),
            ([.ifMatch: #""now""#, .ifNoneMatch: #""now""#], .notModified),
            ([.ifUnmodifiedSince: before, .ifModifiedSince: after], .failed),
            ([.ifUnmodifiedSince: after, .ifNoneMatch: #""now""#], .notModified),
        ] as [(HTTPFields, Preconditions.Outcome)])
    func `conditions together count in their order`(_ headers: HTTPFields, _ outcome: Preconditions.Outcome) {
        #expect(preconditions(headers).outcome == outcome)
    }

    @Test func `without a tag only the star matches, and without a date no date counts`() {
        #expect(preconditions([.ifMatch: #""now""#], tag: nil).outcome == .failed)
        #expect(preconditions([.ifMatch: "*"], tag: nil).outcome == .proceed)
        #expect(preconditions([.ifNoneMatch: #""now""#], tag: nil).outcome == .proceed)
        #expect(preconditions([.ifModifiedSince: Self.after], modified: nil).outcome == .proceed)
        #expect(preconditions([.ifUnmodifiedSince: Self.before], modified: nil).outcome == .proceed)
    }

    @Test(
        arguments: [
            (nil, true), (#""now""#, true), (#""old""#, false), (#"W/"now""#, false), ("*", false), ("now", false),
            (changed, true), (before, false), (after, false), (#""old", "now""#, false),
        ] as [(String?, Bool)])
    func `a range counts of the very same bytes`(_ condition: String?, _ counts: Bool) {
        var headers = HTTPFields()
        if let condition { headers[.ifRange] = condition }
        #expect(preconditions(headers).rangeCounts == counts)
    }

    @Test func `a range counts for no weak tag and no missing date`() {
        #expect(!preconditions([.ifRange: #"W/"now""#], tag: #"W/"now""#).rangeCounts)
        #expect(!preconditions([.ifRange: #""now""#], tag: nil).rangeCounts)
        #expect(!preconditions([.ifRange: Self.changed], modified: nil).rangeCounts)
    }
}
