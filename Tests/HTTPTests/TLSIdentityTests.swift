import HTTP
import TestKit
import Testing

/// Keys and certificates from PEM files.
@Suite struct TLSIdentityTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory([
            "key.pem": TestCertificate.key, "certificate.pem": TestCertificate.certificate,
            "chain.pem": TestCertificate.certificate + "\n" + TestCertificate.other,
            "expired.pem": TestCertificate.expired, "early.pem": TestCertificate.early,
            "other-key.pem": TestCertificate.otherKey, "locked.pem": TestCertificate.lockedKey,
            "empty.pem": "", "text.pem": "no PEM at all\n",
            "cut.pem": String(TestCertificate.certificate.dropLast(200)),
            "large.pem": String(repeating: "x", count: 1 << 20),
        ])
    }

    private func identity(_ key: String, _ certificate: String) throws(TLSIdentity.Failure) -> TLSIdentity {
        try TLSIdentity(key: directory.path + "/" + key, certificate: directory.path + "/" + certificate)
    }

    @Test(arguments: ["certificate.pem", "chain.pem"])
    func `a key and its certificate are an identity, with a chain or without`(certificate: String) throws {
        #expect(try identity("key.pem", certificate).warning == nil)
    }

    @Test(arguments: [
        ("nobody.pem", "certificate.pem", TLSIdentity.Failure.Kind.missing, "cannot read the key", "no such file"),
        ("key.pem", "nobody.pem", .missing, "cannot read the certificate", "no such file"),
        ("key.pem/x", "certificate.pem", .missing, "cannot read the key", "not a directory"),
        (".", "certificate.pem", .invalid, "cannot read the key", "is a directory"),
        ("key.pem", "empty.pem", .invalid, "empty.pem", "not a PEM file with a certificate"),
        ("key.pem", "text.pem", .invalid, "text.pem", "not a PEM file with a certificate"),
        ("key.pem", "cut.pem", .invalid, "cut.pem", "not a PEM file with a certificate"),
        ("key.pem", "key.pem", .invalid, "key.pem", "not a PEM file with a certificate"),
        ("key.pem", "large.pem", .invalid, "large.pem", "larger than 1048576 bytes"),
        ("certificate.pem", "certificate.pem", .invalid, "certificate.pem", "not a PEM file with a private key"),
        ("locked.pem", "certificate.pem", .invalid, "locked.pem", "needs no passphrase"),
        ("other-key.pem", "certificate.pem", .invalid, "other-key.pem", "does not belong to the certificate"),
    ])
    func `what is no identity says which file and why`(
        key: String, certificate: String, kind: TLSIdentity.Failure.Kind, what: String, why: String
    ) throws {
        let failure = #expect(throws: TLSIdentity.Failure.self) { _ = try identity(key, certificate) }
        #expect(failure?.kind == kind)
        #expect(failure?.description.contains(what) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.contains(why) == true, "\(failure?.description ?? "")")
    }

    @Test(arguments: [
        ("expired.pem", "expired on Tue, 01 Jan 2002 00:00:00 GMT"),
        ("early.pem", "is not valid before Fri, 01 Jan 2100 00:00:00 GMT"),
    ])
    func `a certificate out of its time is taken, with a warning`(certificate: String, warning: String) throws {
        #expect(try identity("key.pem", certificate).warning?.hasSuffix(warning) == true)
    }

    @Test func `files that are read again and hold no identity change nothing`() throws {
        let identity = try identity("key.pem", "certificate.pem")
        try directory.write(TestCertificate.expired, to: "certificate.pem")
        try identity.reload()
        #expect(identity.warning != nil)
        try directory.write(TestCertificate.other, to: "certificate.pem")
        #expect(throws: TLSIdentity.Failure.self) { try identity.reload() }
        #expect(identity.warning?.contains("expired") == true)
    }
}
