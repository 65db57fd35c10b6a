/// Keys and certificates for tests: self-signed, for localhost, good for nothing else.
public enum TestCertificate {
    /// The private key of all but `other`.
    public static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgN1NgbbDvj6+bjYhP
        NhUZhJvXYpB5PRvz9MpDHC5z6PihRANCAARIgV0XnVEWnMmsu0NvAT4iZLqtYmEu
        nrqDw8DAn7Ab4ANVenSgR79E/sW+LIZQvumQ0SE6VBWj+9HBs3LX9LyM
        -----END PRIVATE KEY-----
        """

    /// Valid for a hundred years.
    public static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUO8T5S6oSiIXCbMLDAsTKPLuiRU8wCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyMzIwMFoYDzIxMjYxMDI4
        MTIzMjAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAARIgV0XnVEWnMmsu0NvAT4iZLqtYmEunrqDw8DAn7Ab4ANVenSgR79E
        /sW+LIZQvumQ0SE6VBWj+9HBs3LX9LyMo28wbTAdBgNVHQ4EFgQUeq9bSZ3ym9Wf
        Kn88Qnc4BBSE9bkwHwYDVR0jBBgwFoAUeq9bSZ3ym9WfKn88Qnc4BBSE9bkwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSAAwRQIhANj9VWxHeqFRPNylRdXNInXoii5oqSHzractQ9ki3KhoAiBn
        /MxvxSc5pyhSGb+u+I66qLPvua5IRa0i30G1zTSa2Q==
        -----END CERTIFICATE-----
        """

    /// Valid in 2001.
    public static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBFTCBu6ADAgECAgEHMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
        dDAeFw0wMTAxMDEwMDAwMDBaFw0wMjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCWxv
        Y2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEiBXRedURacyay7Q28B
        PiJkuq1iYS6euoPDwMCfsBvgA1V6dKBHv0T+xb4shlC+6ZDRITpUFaP70cGzctf0
        vIwwCgYIKoZIzj0EAwIDSQAwRgIhAO8arbtagvTZtRNo/7fdBbrx+MSch9w1Drof
        ATxabrX5AiEAybfOi4NEzdYZvnZbXrwT3TBcF3HyM0tMyTZv25Jc1Js=
        -----END CERTIFICATE-----
        """

    /// Valid in 2100.
    public static let early = """
        -----BEGIN CERTIFICATE-----
        MIIBGDCBv6ADAgECAgEHMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
        dDAiGA8yMTAwMDEwMTAwMDAwMFoYDzIxMDEwMTAxMDAwMDAwWjAUMRIwEAYDVQQD
        DAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARIgV0XnVEWnMms
        u0NvAT4iZLqtYmEunrqDw8DAn7Ab4ANVenSgR79E/sW+LIZQvumQ0SE6VBWj+9HB
        s3LX9LyMMAoGCCqGSM49BAMCA0gAMEUCIQC5A0WivbvcpfCYySiEccSRVeaDBAvb
        or75BT/hggVuRAIgUmXShWRNYtzyD+DE3oByWQeNksZSK51vlZOmozDbwz0=
        -----END CERTIFICATE-----
        """

    /// A key of its own, and its certificate.
    public static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKczB3N/B/YBxcUuo
        e6R5j3mESZNHbhLVG7yF9TRG1pShRANCAAS9374kf8GgFwULtXHEVs1heEFo9xAw
        UyavnDXVBGuJ3N4OjvG2dIs1aj7+G/pkQd/K8CbwzfBYQkPNBGBJ2Lwu
        -----END PRIVATE KEY-----
        """

    /// The certificate of `otherKey`.
    public static let other = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUNxH7Ljb7RrlkAQo+8rMPTa9dEvcwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyMzIwMFoYDzIxMjYxMDI4
        MTIzMjAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAS9374kf8GgFwULtXHEVs1heEFo9xAwUyavnDXVBGuJ3N4OjvG2dIs1
        aj7+G/pkQd/K8CbwzfBYQkPNBGBJ2Lwuo28wbTAdBgNVHQ4EFgQUWvmo/63ExdvA
        PN8HsJrmAq1SJqkwHwYDVR0jBBgwFoAUWvmo/63ExdvAPN8HsJrmAq1SJqkwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSAAwRQIhAOqO/mwgFNTBBtz4aWKFHHTtDmUpenG81TbeeGF23gDyAiAN
        Od3tOBjNWU25dUSpEx6xP1Mg35GOZ7cGxgZ+WtC1MQ==
        -----END CERTIFICATE-----
        """

    /// The private key, under a passphrase.
    public static let lockedKey = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBAcsmLald/VqLq3XM8W
        Z9BxAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQdGJmgeC0sJvSrltc
        hB2+3gSBkDj6TjqKNrNrB2fl/xJOZmZ4FdSbu2Da3igfimtLBvffYNf+OTKRYn0V
        wtnmAr6V1Yh4pDBDYQmVdDYHtOhZjqM6iHqHuLSmR88l70pLEwCeceL/W8O+s1AZ
        BgODx2loEszmuQ5y5qf4QOUXD2bKkDmjMYb9Evzc4v7XOLVxyrqQ23YVk4lYclbV
        QutpPuDfsQ==
        -----END ENCRYPTED PRIVATE KEY-----
        """
}
