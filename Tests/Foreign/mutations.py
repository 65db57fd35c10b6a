"""Requests that are nearly right: valid ones, changed at random, and what an independent parser takes them for."""

import re

import h11

FILE = (
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nna\xc3\xafve\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b"GET /in-a-file HTTP/1.1\r\nHost: a\r\n\r\n\r\n--b--\r\n"
)
CHUNKS = b"5\r\nhello\r\n10;name=value\r\n0123456789abcdef\r\n0\r\nX-Trailer: x\r\n\r\n"


def request(line, *fields, body=b""):
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: a", *fields, b"", body])


def with_length(line, *fields, body):
    return request(line, *fields, b"Content-Length: %d" % len(body), body=body)


VALID = [
    request(b"GET /"),
    request(b"GET /index.html", b"Accept: text/html, */*;q=0.1", b"Accept-Encoding: gzip", b"User-Agent: x (y; z)"),
    request(b"HEAD /"),
    request(b"GET /clock", b"Accept: text/event-stream", b"Last-Event-ID: 1x2y-3"),
    request(b"GET /clock?lastEventId=%F0%9F%8C%99", b"Accept: text/event-stream", b"Cache-Control: no-cache"),
    request(b"GET /a%20b/%e2%82%ac/c+d?q=1&q=%20&empty=&x#y", b"Cookie: a=b; c=\"d e\"; f"),
    request(b"GET /..%2f..%2f%2e%2e/%5c..%5cetc/passwd%00.html"),
    request(b"GET /./public/../%252e%252e/main.lua"),
    request(b"GET http://a/absolute?x=y"),
    request(b"OPTIONS *"),
    request(b"OPTIONS /words", b"Origin: http://b", b"Access-Control-Request-Method: POST"),
    request(b"GET /range", b"Range: bytes=0-1,3-", b"If-None-Match: \"a\", W/\"b\"", b"If-Range: \"a\""),
    with_length(b"POST /form", b"Content-Type: application/x-www-form-urlencoded", body=b"a=1&b=%20+&c=%zz&a=2"),
    with_length(b"POST /upload", b"Content-Type: multipart/form-data; boundary=b", body=FILE),
    with_length(b"PUT /json", b"Content-Type: application/json", body=b'{"a": [1, -2.5e3, "\\ud83c\\udf19", null]}'),
    with_length(b"POST /expect", b"Expect: 100-continue", body=b"expected"),
    request(b"POST /chunks", b"Transfer-Encoding: chunked", b"Trailer: X-Trailer", body=CHUNKS),
    request(b"GET /one") + with_length(b"POST /two", body=b"two") + request(b"GET /three", b"Connection: close"),
    request(b"POST /chunks", b"Transfer-Encoding: chunked", body=CHUNKS) + request(b"GET /after"),
    b"GET /old HTTP/1.0\r\n\r\n",
]
PARTS = [
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b"%", b"%00", b"%2e%2e/", b"../", b"\\"),
    *(b"\xff", b"\xc3", b"0", b"-1", b"+5", b"18446744073709551616", b"0x10", b"/" * 300, b"x" * 9000),
    *(b"HTTP/1.1", b"HTTP/2.0"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"Host: b\r\n", b"Connection: close\r\n", b" folded\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n"),
    *(b"\r\n\r\n", b"0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00"),
    request(b"GET /smuggled"),
]


def mutated(random):
    """A valid request with one to four changes."""
    data = bytearray(random.choice(VALID))
    for _ in range(random.choice([1, 1, 1, 2, 2, 3, 4])):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice([1, 1, 2, 4, 16, 64]))
        kind = random.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = data[at:end]
        elif kind == 3 and random.random() < 0.3:
            del data[at:]
        elif kind == 4:
            data[at:at] = random.randbytes(random.randint(1, 8))
        elif kind == 5:
            other = random.choice(VALID)
            data[at:] = other[random.randrange(len(other)) :]
        else:
            data[at : at if random.random() < 0.7 else end] = random.choice(PARTS)
    return bytes(data)


def understood(data):
    """The requests that h11 finds complete, as (method, target, body), and whether anything is left."""
    found = []
    while data := data.lstrip(b"\r\n"):  # empty lines before a request are nothing (RFC 9112, 2.2)
        data = re.sub(rb"^([A-Z]+) +([^ \r\n]+) +(HTTP/1)", rb"\1 \2 \3", data)  # nor are more spaces (RFC 9112, 3)
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(data)
        connection.receive_data(b"")
        body = b""
        try:
            while type(event := connection.next_event()) is not h11.EndOfMessage:
                if type(event) is h11.Request:
                    request = event
                elif type(event) is h11.Data:
                    body += event.data
                else:
                    return found, True
        except h11.RemoteProtocolError:
            return found, True
        found.append((bytes(request.method), bytes(request.target), body))
        data = connection.trailing_data[0]
    return found, False
