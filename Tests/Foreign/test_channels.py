"""The examples that live on channels: chat (rooms, replay, who is here) and ticker (a channel per symbol)."""

import json
from collections import Counter
from contextlib import ExitStack, contextmanager
from itertools import chain, islice

import httpx
import httpx_sse
import pytest

from support import EXAMPLES, PATIENCE


@pytest.fixture
def chat(serve):
    return serve(EXAMPLES / "chat").url


@pytest.fixture
def ticker(serve):
    return serve(EXAMPLES / "ticker").url


@contextmanager
def events(url, last_event_id=None):
    """The events of an open stream, as they come. Silence for longer than PATIENCE raises `httpx.ReadTimeout`."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with (
        httpx.Client(timeout=PATIENCE) as client,
        httpx_sse.connect_sse(client, "GET", url, headers=headers) as source,
    ):
        source.response.raise_for_status()
        yield source.iter_sse()


def enter(chat, name, room="lobby", last_event_id=None):
    return events(f"{chat}/rooms/{room}/stream?name={name}", last_event_id)


def say(chat, text, name="Ann", room="lobby"):
    answer = httpx.post(f"{chat}/rooms/{room}/messages", json={"name": name, "text": text})
    assert answer.status_code == 204, answer.text


def text_of(event):
    return json.loads(event.data)["text"]


def next_message(stream):
    return next(event for event in stream if event.event == "message")


def next_here(stream, **wanted):
    """The next list of who is here; with `joined` or `left`, the next that says so."""
    lists = (json.loads(event.data) for event in stream if event.event == "here")
    return next(here for here in lists if wanted.items() <= here.items())


def messages_until(stream, last):
    """The messages up to the one whose text is `last`, without it."""
    texts = (text_of(event) for event in stream if event.event == "message")
    return list(iter(lambda: next(texts), last))


# MARK: chat


def test_a_message_arrives_once_at_everyone_in_the_room(chat):
    with enter(chat, "Ann") as ann, enter(chat, "Bob") as bob:
        next_here(bob, joined="Bob")
        for text in ["one", "two", "three", "end"]:
            say(chat, text)
        for stream in (ann, bob):
            assert messages_until(stream, "end") == ["one", "two", "three"]


def test_a_message_arrives_as_it_was_typed(chat):
    typed = {"name": "Zoë <b>🌙</b>", "text": " <script>alert('&')</script>\n\n二 "}
    with enter(chat, "Ann") as ann:
        say(chat, **typed)
        got = json.loads(next_message(ann).data)
    assert {key: got[key] for key in typed} == typed
    assert got["time"] > 1_700_000_000


def test_a_message_stays_in_its_room(chat):
    with enter(chat, "Ann", "red") as red, enter(chat, "Bob", "blue") as blue:
        say(chat, "for red", room="red")
        say(chat, "for blue", room="blue")
        say(chat, "end", room="red")
        say(chat, "end", room="blue")
        assert messages_until(red, "end") == ["for red"]
        assert messages_until(blue, "end") == ["for blue"]


def test_a_client_that_comes_back_gets_exactly_what_it_missed(chat):
    with enter(chat, "Bob") as bob:
        with enter(chat, "Ann") as ann:
            say(chat, "seen")
            last = next_message(ann)
        assert last.id
        missed = [f"missed {number}" for number in range(60)]  # more than a newcomer would get
        for text in missed:
            say(chat, text, name="Bob")
        with enter(chat, "Ann", last_event_id=last.id) as ann:
            say(chat, "live", name="Bob")
            assert messages_until(ann, "live") == missed
        assert messages_until(bob, "live") == ["seen", *missed]


def test_the_id_of_the_last_event_missed_leaves_nothing_to_replay(chat):
    with enter(chat, "Ann") as ann:
        say(chat, "one")
        say(chat, "two")
        next_message(ann)
        last = next_message(ann)
    with enter(chat, "Ann", last_event_id=last.id) as ann:
        say(chat, "live")
        assert messages_until(ann, "live") == []


def test_a_newcomer_reads_what_was_said_before(chat):
    say(chat, "first")
    say(chat, "second")
    with enter(chat, "Ann") as ann:
        say(chat, "live")
        assert messages_until(ann, "live") == ["first", "second"]


def test_the_room_is_told_who_joins_and_who_leaves(chat):
    with enter(chat, "Ann") as ann:
        assert next_here(ann) == {"names": ["Ann"], "joined": "Ann"}
        with enter(chat, "Bob") as bob:
            assert next_here(bob, joined="Bob")["names"] == ["Ann", "Bob"]
            assert next_here(ann) == {"names": ["Ann", "Bob"], "joined": "Bob"}
        assert next_here(ann) == {"names": ["Ann"], "left": "Bob"}


def test_a_second_window_of_one_name_joins_nobody(chat):
    with enter(chat, "Ann") as ann:
        next_here(ann, joined="Ann")
        with enter(chat, "Ann"):
            assert next_here(ann) == {"names": ["Ann"]}
        assert next_here(ann) == {"names": ["Ann"]}, "and its end is no goodbye"


def test_a_client_that_comes_back_at_once_has_not_left(chat):
    with enter(chat, "Bob") as bob:
        next_here(bob, joined="Bob")
        with enter(chat, "Ann"):
            next_here(bob, joined="Ann")
        with enter(chat, "Ann"):
            # The second stream is counted, then the end of the first.
            assert [next_here(bob) for _ in range(2)] == [{"names": ["Ann", "Bob"]}] * 2


def test_a_head_request_joins_nobody(chat):
    assert httpx.head(f"{chat}/rooms/lobby/stream?name=Ghost").status_code == 200
    with enter(chat, "Ann") as ann:
        assert next_here(ann, joined="Ann")["names"] == ["Ann"]


GOOD_NAMES = ["a", "x" * 32, "🌙" * 32, "Ann Lee"]
BAD_ROOMS = ["A", "a b", "a_b", "é", "a" * 33, "..%2Fa", "a%0A"]
BAD_NAMES = {
    "missing": None,
    "empty": "",
    "blank": "  ",
    "33 characters": "🌙" * 33,
    "a line feed": "a\nb",
    "NUL": "a\0b",
    "DEL": "a\x7f",
    "a C1 control": "a\x85b",
}
BAD_BODIES = {
    "no JSON": (b"{", "JSON"),
    "no object": (b'"text"', "JSON"),
    "no name": (b'{"text": "hi"}', "name"),
    "a number for a name": (b'{"name": 7, "text": "hi"}', "name"),
    "no text": (b'{"name": "Ann"}', "text"),
    "an empty text": (b'{"name": "Ann", "text": ""}', "text"),
    "null for a text": (b'{"name": "Ann", "text": null}', "text"),
    "2001 bytes of text": (json.dumps({"name": "Ann", "text": "x" * 2001}).encode(), "text"),
}


def refusal(answer):
    assert answer.status_code == 400
    return answer.json()["error"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_is_welcome(chat, name):
    with enter(chat, name) as stream:
        say(chat, "x" * 2000, name=name)
        assert text_of(next_message(stream)) == "x" * 2000


@pytest.mark.parametrize("room", BAD_ROOMS)
def test_a_bad_room_gets_a_400_that_says_why(chat, room):
    assert "room" in refusal(httpx.get(f"{chat}/rooms/{room}/stream?name=Ann"))
    assert "room" in refusal(httpx.post(f"{chat}/rooms/{room}/messages", json={"name": "Ann", "text": "hi"}))


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_bad_name_gets_a_400_that_says_why(chat, name):
    query = {} if name is None else {"name": name}
    assert "name" in refusal(httpx.get(f"{chat}/rooms/lobby/stream", params=query))
    assert "name" in refusal(httpx.post(f"{chat}/rooms/lobby/messages", json={"name": name, "text": "hi"}))


@pytest.mark.parametrize("body, word", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_bad_message_gets_a_400_that_says_why(chat, body, word):
    assert word in refusal(httpx.post(f"{chat}/rooms/lobby/messages", content=body))


# MARK: ticker


def symbols_of(ticker):
    return httpx.get(f"{ticker}/symbols").json()


def prices(ticker, symbols, last_event_id=None):
    return events(f"{ticker}/stream?symbols={','.join(symbols)}", last_event_id)


def symbol_of(event):
    return json.loads(event.data)["symbol"]


def test_there_are_200_symbols(ticker):
    symbols = symbols_of(ticker)
    assert len(set(symbols)) == len(symbols) == 200
    assert all(len(symbol) == 3 and symbol.isupper() for symbol in symbols)


def test_a_stream_has_the_ten_symbols_it_asked_for_and_no_other(ticker):
    wanted = set(symbols_of(ticker)[::20])
    with prices(ticker, wanted) as stream:
        seen = list(islice(stream, 100))
    assert Counter(map(symbol_of, seen)).keys() == wanted
    assert {event.event for event in seen} == {"price"}
    assert all(json.loads(event.data)["price"] > 0 for event in seen)


def test_each_price_of_a_symbol_comes_once_and_in_order_after_a_reconnect(ticker):
    """Two streams of one symbol: one that stays, one that leaves and comes back."""
    [symbol] = symbols_of(ticker)[:1]
    with ExitStack() as stack:
        staying = stack.enter_context(prices(ticker, [symbol]))
        with prices(ticker, [symbol]) as leaving:
            before = list(islice(leaving, 3))
        away = list(islice(staying, len(before) + 3))  # at least three more were published
        back = stack.enter_context(prices(ticker, [symbol], before[-1].id))
        after = list(islice(back, 6))
        whole = {event.id: event.data for event in chain(away, islice(staying, 12))}
        ids = [event.id for event in before + after]
    assert len(set(ids)) == len(ids)
    start = list(whole).index(ids[0])
    assert list(whole.items())[start : start + len(ids)] == [(event.id, event.data) for event in before + after]


def test_the_summary_has_every_symbol(ticker):
    missing = set(symbols_of(ticker))
    with events(f"{ticker}/summary") as stream:
        while missing:
            missing.discard(symbol_of(next(stream)))


@pytest.mark.parametrize(
    "query, said",
    [("", "symbols"), ("symbols=", "symbols"), ("symbols=,,", "symbols"), ("symbols=AAA,nope", "nope")],
    ids=["none", "empty", "commas", "unknown"],
)
def test_a_bad_choice_gets_a_400_that_says_why(ticker, query, said):
    assert said in refusal(httpx.get(f"{ticker}/stream?{query}"))


def test_eleven_symbols_are_too_many(ticker):
    assert "10" in refusal(httpx.get(f"{ticker}/stream?symbols={','.join(symbols_of(ticker)[:11])}"))


def test_a_symbol_named_twice_counts_once(ticker):
    symbols = symbols_of(ticker)[:10]
    with prices(ticker, symbols * 2) as stream:
        seen = [event.id for event in islice(stream, 40)]
    assert len(set(seen)) == len(seen)
