"""Bytes of one connection read into requests: whole, byte by byte, several at once, and hostile."""

from collections import deque
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.logs.http import MAX_BODY, HttpError, Request
from web.logs.reading import MAX_HEAD, MAX_PIPELINED, RequestReader

GET = b"GET /log/sm2/checkpoint?a=b HTTP/1.1\r\nHost: log.example\r\nAccept-Encoding: gzip\r\n\r\n"
POST = b"POST /log/sm2/ct/v1/add-chain HTTP/1.1\r\nHost: log.example\r\nContent-Length: 4\r\n\r\nbody"


def reader(charge=lambda _size: None) -> RequestReader:
    return RequestReader("192.0.2.1", charge)


def read(data: bytes, *, by: int = 1 << 20) -> list[Request]:
    one = reader()
    for at in range(0, len(data), by):
        one.feed(data[at : at + by])
    return list(one.requests)


def test_a_request_has_its_parts() -> None:
    get, post = read(GET + POST)
    assert (get.method, get.path, get.query, get.body) == ("GET", "/log/sm2/checkpoint", "a=b", b"")
    assert get.headers == {"host": "log.example", "accept-encoding": "gzip"}
    assert get.address == "192.0.2.1"
    assert (post.method, post.path, post.body, post.keep_alive) == (
        "POST",
        "/log/sm2/ct/v1/add-chain",
        b"body",
        True,
    )


@pytest.mark.parametrize("by", [1, 2, 3, 7, 50])
def test_it_does_not_matter_in_which_pieces_they_come(by) -> None:
    assert read(GET + POST + GET, by=by) == read(GET + POST + GET)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/log/sm2/tile/0/x001/000", "/log/sm2/tile/0/x001/000"),
        ("/log/%73m2/checkpoint", "/log/sm2/checkpoint"),
        ("http://log.example/log/sm2/checkpoint", "/log/sm2/checkpoint"),
        ("http://log.example", "/"),
    ],
)
def test_targets(target, path) -> None:
    (request,) = read(f"GET {target} HTTP/1.1\r\nHost: log.example\r\n\r\n".encode())
    assert request.path == path


def test_a_header_given_twice_is_one_list() -> None:
    (request,) = read(b"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nx-forwarded-for: 2\r\n\r\n")
    assert request.headers["x-forwarded-for"] == "1, 2"


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", False),
    ],
)
def test_whether_the_connection_goes_on(head, keep_alive) -> None:
    (request,) = read(head)
    assert request.keep_alive is keep_alive


def test_after_the_last_request_nothing_is_read() -> None:
    last = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert len(read(last + GET)) == len(read(last + GET, by=1)) == 1


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "not an HTTP request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "not an HTTP request"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 411, "no Content-Length"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "no Host"),
        (b"GET / HTTP/1.1\nHost: h\n\n", 400, "not an HTTP request"),
        (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, "not an HTTP request"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", 400, "not an HTTP request"),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", 411, "no Content-Length"),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            411,
            "no Content-Length",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "not an HTTP request",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
            400,
            "not an HTTP",
        ),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nbody", 400, "not an HTTP request"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400, "not an HTTP request"),
        (f"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode(), 413, "at most"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n", 431, "head is too large"),
        (b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: h\r\n\r\n", 431, "head is too large"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: yyyyyy\r\n" * (MAX_HEAD // 6), 431, "head is too large"),
    ],
)
@pytest.mark.parametrize("by", [1000, 1 << 20])
def test_what_is_no_request_or_too_much(data, status, reason, by) -> None:
    with pytest.raises(HttpError, match=reason) as refused:
        read(data, by=by)
    assert refused.value.status == status


def test_a_line_that_never_ends_is_not_collected_for_ever() -> None:
    one = reader()
    one.feed(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
    with pytest.raises(HttpError, match="head is too large"):
        deque((one.feed(b"x" * 1000) for _ in range(200)), maxlen=0)
    one.feed(GET)
    assert not one.requests, "after a refusal nothing is taken"


def test_what_came_before_a_bad_request_is_kept() -> None:
    one = reader()
    with pytest.raises(HttpError):
        one.feed(GET + b"nonsense\r\n\r\n")
    assert [request.method for request in one.requests] == ["GET"]


def test_not_too_many_requests_before_their_answers() -> None:
    one = reader()
    with pytest.raises(HttpError, match="before their answers"):
        one.feed(GET * (MAX_PIPELINED + 1))
    assert len(one.requests) == MAX_PIPELINED


def test_bodies_are_accounted_for_and_can_be_refused() -> None:
    charged: list[int] = []
    reader(charged.append).feed(POST)
    assert charged == [4]

    def full(_size: int) -> None:
        raise HttpError(503, "full")

    with pytest.raises(HttpError, match="full"):
        reader(full).feed(POST)


def test_who_waits_for_a_continue_is_known_until_the_body_comes() -> None:
    one = reader()
    one.feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert (one.expects_continue, one.under_way) == (True, True)
    one.feed(b"body")
    assert (one.expects_continue, one.under_way) == (False, False)


@given(
    st.lists(
        st.sampled_from([GET, POST, b"\r\n", b"\0", b"GET ", b": ", b"\xff" * 9]) | st.binary(max_size=40)
    )
)
def test_hostile_bytes_are_requests_or_our_error(pieces) -> None:
    one = reader()
    with suppress(HttpError):
        for piece in pieces:
            one.feed(piece)
