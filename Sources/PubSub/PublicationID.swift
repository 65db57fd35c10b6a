/// Where a publication stands in its publisher's one sequence: `<epoch>-<sequence>` on the wire.
public struct PublicationID: Equatable, Sendable, CustomStringConvertible {
    /// Names the run of a publisher within which sequence numbers rise: of `[A-Za-z0-9._]`. An id has at most 128 bytes.
    public let epoch: String
    /// From 1.
    public let sequence: UInt64

    public init(epoch: String, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Reads an id that a client sent back; nil for anything that cannot be one of ours.
    public init?(_ text: String) {
        guard text.utf8.count <= 128, let dash = text.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
        let epoch = text[..<dash]
        let digits = text[text.utf8.index(after: dash)...]
        guard !epoch.isEmpty, epoch.utf8.allSatisfy(Self.mayBeInEpoch),
            digits.utf8.first != UInt8(ascii: "0"),
            !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let sequence = UInt64(digits)
        else { return nil }
        self.init(epoch: String(epoch), sequence: sequence)
    }

    private static func mayBeInEpoch(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    public var description: String { "\(epoch)-\(sequence)" }
}
