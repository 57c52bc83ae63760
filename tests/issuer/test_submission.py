"""Getting SCTs over HTTP: a clear error that names the log for everything a log can do wrong."""

import base64
import contextlib
import datetime as dt
import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from issuer.authority import Authority, IssueRequest, LogClient, LogEndpoint, SubmissionSettings
from issuer.authority import submission as module
from issuer.authority.submission import MAXIMUM_ANSWER, _read_sct
from issuer.errors import LogSubmissionFailed
from verifier.algorithms import KeyAlgorithm, PrivateKey

REQUEST = IssueRequest(("good.mingjing.test",))


def change(**fields: object) -> Callable[[object], object]:
    """Replace fields of the JSON answer; None removes one."""

    def apply(answer):
        sct = {key: value for key, value in (json.loads(answer.body) | fields).items() if value is not None}
        return replace(answer, body=json.dumps(sct).encode())

    return apply


def flip(field: str, position: int = -1) -> Callable[[object], object]:
    def apply(answer):
        sct = json.loads(answer.body)
        raw = bytearray(base64.b64decode(sct[field]))
        raw[position] ^= 1
        return replace(answer, body=json.dumps(sct | {field: base64.b64encode(raw).decode()}).encode())

    return apply


def whole(status: int, body: bytes, **headers: str) -> Callable[[object], object]:
    return lambda answer: replace(
        answer,
        status=status,
        body=body,
        headers={name.replace("_", "-"): text for name, text in headers.items()},
    )


FAULTS = {
    "garbage": (whole(200, b"\xff\0<html>"), "not JSON"),
    "html": (whole(200, b"<html>Welcome</html>"), "not JSON: <html>Welcome</html>"),
    "an array": (whole(200, b"[]"), "not a JSON object"),
    "deep": (whole(200, b"[" * 30000), "not JSON|not a JSON object"),
    "empty": (whole(200, b"{}"), "version None"),
    "version 2": (change(sct_version=1), "version 1"),
    "true for 0": (change(sct_version=False), "version False"),
    "no id": (change(id=None), "no text in 'id'"),
    "not base64": (change(id="*" * 44), "'id' of its answer is not base64"),
    "short id": (change(id="AAAA"), "impossible length"),
    "another log's id": (flip("id"), "another log's id"),
    "no timestamp": (change(timestamp="now"), "no timestamp"),
    "negative timestamp": (change(timestamp=-1), "no timestamp"),
    "huge timestamp": (change(timestamp=1 << 64), "no timestamp"),
    "year 300 million": (change(timestamp=(1 << 64) - 1), "malformed|future"),
    "another timestamp": (change(timestamp=1), "does not verify"),
    "future": (change(timestamp=(2**41 + 2**40)), "in the future"),
    "another extension": (flip("extensions"), "does not verify"),
    "wrong signature": (flip("signature"), "does not verify"),
    "truncated signature": (change(signature="BwgA"), "malformed"),
    "other algorithm": (flip("signature", 1), "does not verify|malformed"),
    "400": (whole(400, b"no such root"), "answered 400: no such root"),
    "redirect": (whole(302, b"", Location="http://127.0.0.1:1/"), "answered 302"),
    "control characters": (whole(500, b"a\x1b[31m\r\nb"), r"answered 500: a \[31m b"),
    "too long": (whole(200, b" " * (MAXIMUM_ANSWER + 1)), f"longer than {MAXIMUM_ANSWER}"),
    "busy for long": (whole(503, b"", Retry_After="3600"), r"busy \(HTTP 503\), and asks to wait 3600 s"),
    "too many": (whole(429, b"", Retry_After="3600"), r"busy \(HTTP 429\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_names_the_log_and_issues_nothing(authority: Authority, logs, fault: str) -> None:
    misbehave, message = FAULTS[fault]
    logs[0].misbehave = misbehave
    with pytest.raises(LogSubmissionFailed, match=message) as caught:
        authority.issue(REQUEST)
    assert str(caught.value).startswith("could not get an SCT from log 'sm2': ")
    assert authority.certificates() == ()
    assert [
        intent.state for intent in authority.store.abandoned_intents(dt.datetime.max.replace(tzinfo=dt.UTC))
    ] == []


def test_busy_for_a_moment_is_waited_out(authority: Authority, logs) -> None:
    answers = iter([True, False, False])
    logs[0].misbehave = lambda answer: (
        replace(answer, status=503, headers={"Retry-After": "0"}) if next(answers) else answer
    )
    authority.issue(REQUEST)
    assert len(logs[0].submissions) == 3
    assert len(logs[1].submissions) == 2


def client(authority: Authority, *logs: LogEndpoint, sleep=time.sleep, **settings: object) -> LogClient:
    values = {"timeout": dt.timedelta(seconds=1), "attempts": 2, **settings}
    return LogClient(logs, SubmissionSettings(**values), clock=authority._clock, sleep=sleep)  # type: ignore[arg-type]


def test_busy_every_time_gives_up(authority: Authority, logs) -> None:
    slept: list[float] = []
    logs[0].misbehave = whole(503, b"pool full", Retry_After="2")
    authority._issuance._logs = client(authority, logs[0].endpoint, sleep=slept.append, attempts=3)
    with pytest.raises(
        LogSubmissionFailed, match=r"busy \(HTTP 503\), and asks to wait 2 s; try again later"
    ):
        authority.issue(REQUEST)
    assert slept == [2.0, 2.0]


@pytest.mark.parametrize("retry_after", ["", "soon", "-1", "Fri, 31 Dec 1999 23:59:59 GMT", "²"])
def test_a_retry_after_that_is_no_number_waits_a_second(authority: Authority, logs, retry_after: str) -> None:
    slept: list[float] = []
    logs[0].misbehave = whole(503, b"", **({"Retry_After": retry_after} if retry_after.isascii() else {}))
    authority._issuance._logs = client(authority, logs[0].endpoint, sleep=slept.append)
    with pytest.raises(LogSubmissionFailed, match="busy"):
        authority.issue(REQUEST)
    assert slept == [1.0]
    assert module._seconds("²") == 1.0


def test_nobody_listens(authority: Authority, logs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    down = replace(logs[0].endpoint, url=f"http://127.0.0.1:{port}/log/sm2")
    authority._issuance._logs = client(authority, down)
    with pytest.raises(LogSubmissionFailed, match=f"http://127.0.0.1:{port}/log/sm2 cannot be reached"):
        authority.issue(REQUEST)


def test_a_log_that_accepts_and_says_nothing(authority: Authority, logs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        quick = dt.timedelta(seconds=0.2)
        authority._issuance._logs = client(authority, replace(logs[0].endpoint, url=url), timeout=quick)
        started = time.monotonic()
        with pytest.raises(LogSubmissionFailed, match="cannot be reached"):
            authority.issue(REQUEST)
        assert time.monotonic() - started < 60


def test_an_sct_of_the_other_certificate_is_refused(authority: Authority, logs) -> None:
    """Replaying a valid SCT of another entry does not pass."""
    kept: list[bytes] = []

    def replay(answer):
        kept.append(answer.body)
        return replace(answer, body=kept[0])

    logs[0].misbehave = replay
    with pytest.raises(LogSubmissionFailed, match="does not verify"):
        authority.issue(REQUEST)
    assert authority.certificates() == ()


LOG = LogEndpoint("x", "http://x", PrivateKey.generate(KeyAlgorithm.ECDSA).public_key)
FIELD = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=80),
    st.binary(max_size=60).map(base64.b64encode).map(bytes.decode),
)


@given(st.binary(max_size=300))
def test_any_answer_is_an_sct_or_our_error(body: bytes) -> None:
    with pytest.raises(LogSubmissionFailed):
        _read_sct(LOG, body)


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries({
        "sct_version": st.sampled_from([0, 1, "0"]),
        "id": st.one_of(FIELD, st.just(base64.b64encode(bytes(32)).decode())),
        "timestamp": st.one_of(FIELD, st.integers(0, 1 << 65)),
        "extensions": FIELD,
        "signature": FIELD,
    })
)
def test_any_json_is_an_sct_or_our_error(answer: dict[str, object]) -> None:
    with contextlib.suppress(LogSubmissionFailed):
        _read_sct(LOG, json.dumps(answer).encode())
