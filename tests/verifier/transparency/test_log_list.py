"""Log lists: the public ones, our own, their states and operators, and what is no list."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.errors import MalformedInput
from verifier.transparency.digitally_signed import LEGACY_SM2_CODEPOINT
from verifier.transparency.log_list import (
    CODEPOINT_FIELD,
    DEFAULT_MERGE_DELAY,
    MAX_LOG_LIST_SIZE,
    FinalTreeHead,
    Log,
    LogList,
    LogState,
    PreviousOperator,
    TemporalInterval,
    encode_log_list,
    parse_log_list,
)
from verifier.transparency.moments import to_timestamp
from verifier.transparency.sct import SignedCertificateTimestamp

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def own(keys: dict[str, PrivateKey]) -> list[Log]:
    """The two logs of this service, with both read APIs."""
    return [
        Log(
            log_id=keys[name].public_key.key_id,
            key=keys[name].public_key,
            description=f"mingjing {name}",
            operator="mingjing \u660e\u955c",
            mmd=timedelta(seconds=60),
            state_since=NOON,
            url=f"https://log.example/{name}/",
            submission_url=f"https://log.example/{name}/",
            monitoring_url=f"https://tiles.example/{name}/",
        )
        for name in ("sm2", "ecdsa")
    ]


@pytest.fixture
def listed(own: list[Log]) -> dict[str, Any]:
    """Our list as JSON, to be spoilt."""
    encoded = encode_log_list(own, {own[0].operator: ["ct@log.example"]}, "rfc6962", timestamp=NOON)
    value: dict[str, Any] = json.loads(json.dumps(encoded))
    return value


def parse(value: Any) -> LogList:
    return parse_log_list(json.dumps(value).encode(), "own")


# --- the public lists --------------------------------------------------------------------------------------


def test_the_list_of_2022(logs_of_2022: LogList):
    assert (len(logs_of_2022.logs), logs_of_2022.skipped) == (29, ())
    assert logs_of_2022.timestamp == datetime(2022, 9, 20, 12, 55, 37, tzinfo=UTC)
    assert logs_of_2022.operators == (
        "Google", "Cloudflare", "DigiCert", "Sectigo", "Let's Encrypt", "TrustAsia",
    )  # fmt: skip
    mammoth = logs_of_2022.by_id(b64decode("b1N2rDHwMRnYmQCkURX/dxUcEdkCwQApBo2yCJo32RM="))
    assert mammoth is not None
    assert mammoth.description == "Sectigo 'Mammoth' CT log"
    assert (mammoth.operator, mammoth.state) == ("Sectigo", LogState.USABLE)
    assert mammoth.state_since == datetime(2017, 10, 10, 0, 38, 10, tzinfo=UTC)
    assert mammoth.url == "https://mammoth.ct.comodo.com/"
    assert mammoth.mmd == timedelta(days=1)
    assert mammoth.temporal_interval is None


def test_the_list_of_2025_has_tiled_logs(logs_of_2025: LogList):
    assert (len(logs_of_2025.logs), logs_of_2025.skipped) == (44, ())
    tiled = [log for log in logs_of_2025.logs if log.submission_url]
    assert [log.operator for log in tiled] == ["Geomys"] * 3
    assert all(log.url is None and log.monitoring_url and log.mmd == timedelta(minutes=1) for log in tiled)
    shard = tiled[0].temporal_interval
    assert shard is not None
    assert shard.start_inclusive in shard
    assert shard.end_exclusive not in shard
    assert shard.end_exclusive - timedelta(seconds=1) in shard
    assert shard.start_inclusive - timedelta(seconds=1) not in shard


@pytest.mark.parametrize("year", ["2022", "2025"])
def test_a_public_list_written_again_reads_the_same(year: str, data: Path):
    parsed = parse_log_list((data / f"log_list_{year}.json").read_bytes(), year)
    assert parsed.timestamp is not None
    operators: dict[str, list[str]] = {name: [] for name in parsed.operators}
    encoded = encode_log_list(parsed.logs, operators, timestamp=parsed.timestamp)
    assert parse_log_list(json.dumps(encoded).encode(), year) == parsed


# --- our own -----------------------------------------------------------------------------------------------


def test_a_log_with_both_apis_is_listed_once(own: list[Log]):
    operators = {own[0].operator: ["ct@log.example"], "Nobody": []}
    for api, kind, other in (("static", "tiled_logs", "logs"), ("rfc6962", "logs", "tiled_logs")):
        encoded = json.loads(json.dumps(encode_log_list(own, operators, api, timestamp=NOON)))
        assert encoded["log_list_timestamp"] == "2026-01-31T12:00:00Z"
        ours, nobody = encoded["operators"]
        assert (len(ours[kind]), ours[other], ours["email"]) == (2, [], ["ct@log.example"])
        assert (nobody["name"], nobody["logs"], nobody["tiled_logs"]) == ("Nobody", [], [])
        parsed = parse(encoded)
        assert [log.key for log in parsed.logs] == [log.key for log in own]
        assert parsed.logs[0].url == (None if api == "static" else own[0].url)
        assert parsed.logs[0].monitoring_url == (own[0].monitoring_url if api == "static" else None)


def test_a_log_with_one_api_is_listed_under_it(own: list[Log]):
    rfc6962 = replace(own[0], submission_url=None, monitoring_url=None)
    static = replace(own[1], url=None)
    for api in ("static", "rfc6962"):
        encoded: Any = encode_log_list([rfc6962, static], {own[0].operator: []}, api, timestamp=NOON)
        parsed = parse(encoded)
        assert set(parsed.logs) == {rfc6962, static}


def test_every_field_reads_as_it_was_written(own: list[Log]):
    log = replace(
        own[0],
        submission_url=None,
        monitoring_url=None,
        state=LogState.RETIRED,
        temporal_interval=TemporalInterval(NOON, NOON + 24 * HOUR),
        codepoint=LEGACY_SM2_CODEPOINT,
        previous_operators=(
            PreviousOperator("First", NOON - 2 * HOUR),
            PreviousOperator("Second", NOON - HOUR),
        ),
    )
    encoded: Any = encode_log_list([log], {log.operator: []}, timestamp=NOON)
    assert parse(encoded) == LogList((log,), NOON, "own")
    encoded["operators"][0]["logs"][0]["previous_operators"].reverse()
    assert parse(encoded).logs == (log,)


def test_a_read_only_log_is_listed_with_its_final_tree_head(own: list[Log]):
    final = FinalTreeHead(1234, bytes(range(32)))
    frozen = replace(own[0], state=LogState.READONLY, state_since=NOON, final_tree_head=final)
    encoded: Any = encode_log_list([frozen], {own[0].operator: ()}, timestamp=NOON)
    assert parse_log_list(json.dumps(encoded).encode(), "own").logs[0].final_tree_head == final
    head = encoded["operators"][0]["tiled_logs"][0]["state"]["readonly"]["final_tree_head"]
    for wrong in ({"sha256_root_hash": "AAAA"}, {"tree_size": -1}, {"tree_size": 1 << 63}):
        before = dict(head)
        head.update(wrong)
        with pytest.raises(MalformedInput, match=next(iter(wrong))):
            parse_log_list(json.dumps(encoded).encode(), "own")
        head.update(before)


def test_what_cannot_be_listed(own: list[Log]):
    with pytest.raises(MalformedInput, match="operators: expected 'mingjing"):
        encode_log_list(own, {}, timestamp=NOON)
    nowhere = replace(own[0], url=None, submission_url=None)
    with pytest.raises(MalformedInput, match="expected an address for url"):
        encode_log_list([nowhere], {nowhere.operator: []}, timestamp=NOON)


def test_a_log_without_state_and_merge_delay(listed: dict[str, Any]):
    for name in ("state", "mmd", "description"):
        del listed["operators"][0]["logs"][0][name]
    log = parse(listed).logs[0]
    assert (log.state, log.state_since, log.mmd) == (LogState.USABLE, None, DEFAULT_MERGE_DELAY)
    assert log.description == ""


# --- states and operators ----------------------------------------------------------------------------------


def promised(moment: datetime) -> SignedCertificateTimestamp:
    return SignedCertificateTimestamp(bytes(32), to_timestamp(moment), b"", 0x0403, b"sig")


@pytest.mark.parametrize(
    ("state", "before", "after"),
    [
        (LogState.PENDING, False, False),
        (LogState.QUALIFIED, True, True),
        (LogState.USABLE, True, True),
        (LogState.READONLY, True, True),
        (LogState.RETIRED, True, False),
        (LogState.REJECTED, False, False),
    ],
)
def test_what_counts_in_which_state(own: list[Log], state: LogState, *, before: bool, after: bool):
    log = replace(own[0], state=state)
    assert (log.state_problem(promised(NOON - HOUR)) is None) == before
    assert (log.state_problem(promised(NOON)) is None) == after
    assert (log.state_problem(promised(NOON + HOUR)) is None) == after


def test_a_log_that_retired_at_no_known_time_counts_for_nothing(own: list[Log]):
    log = replace(own[0], state=LogState.RETIRED, state_since=None)
    assert log.state_problem(promised(NOON - HOUR)) == "the log had retired when it signed this"


def test_the_operator_is_the_one_of_the_time(own: list[Log]):
    log = replace(
        own[0],
        previous_operators=(
            PreviousOperator("First", NOON - 2 * HOUR),
            PreviousOperator("Second", NOON - HOUR),
        ),
    )
    logs = LogList((log, own[1]))
    for moment, operator in (
        (NOON - 3 * HOUR, "First"),
        (NOON - 2 * HOUR, "Second"),
        (NOON - HOUR, log.operator),
        (NOON, log.operator),
    ):
        found = logs.by_id(log.log_id, at=moment)
        assert found is not None
        assert found.operator == operator
    assert logs.by_id(log.log_id) is log
    assert logs.by_id(bytes(32)) is None
    assert logs.by_id(bytes(32), at=NOON) is None


# --- what is refused ---------------------------------------------------------------------------------------


def spoil(field: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Set a field of the first log."""
    return lambda listed: listed["operators"][0]["logs"][0].__setitem__(field, value)


def drop(field: str) -> Callable[[dict[str, Any]], None]:
    return lambda listed: listed["operators"][0]["logs"][0].__delitem__(field)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda listed: listed.pop("operators"), r"own.operators: expected this field, it is missing"),
        (lambda listed: listed.update(operators={}), r"own.operators: expected an array"),
        (lambda listed: listed.update(operators=[1]), r"own.operators\[0\]: expected an object"),
        (lambda listed: listed["operators"][0].pop("name"), r"own.operators\[0\].name: expected this field"),
        (lambda listed: listed["operators"][0].update(logs=None), None),
        (lambda listed: listed.update(log_list_timestamp="yesterday"), "log_list_timestamp: expected a time"),
        (lambda listed: listed["operators"].append(listed["operators"][0]), "log_id: expected each log once"),
        (drop("key"), r"own.operators\[0\].logs\[0\].key: expected this field"),
        (spoil("key", "!"), "key: expected base64"),
        (spoil("key", 1), "key: expected a string"),
        (spoil("url", None), "url: expected a string"),
        (lambda listed: listed.update(operators=None), "operators: expected an array"),
        (spoil("key", b64encode(b"key").decode()), "log_id: expected SHA-256 of the key"),
        (drop("log_id"), "log_id: expected this field"),
        (spoil("log_id", b64encode(bytes(32)).decode()), "log_id: expected SHA-256 of the key"),
        (drop("url"), "url: expected this field"),
        (spoil("url", "ftp://log.example/"), "url: expected an http or https address"),
        (spoil("url", "https:///path"), "url: expected an http or https address"),
        (spoil("url", "https://[log.example/"), "url: expected an http or https address"),
        (spoil("url", "https://log.example/?q"), "url: expected an http or https address"),
        (spoil("url", "https://log.example/#f"), "url: expected an http or https address"),
        (spoil("url", "https://log.example/ x"), "url: expected an http or https address"),
        (spoil("mmd", "60"), "mmd: expected an integer"),
        (spoil("mmd", True), "mmd: expected an integer"),
        (spoil("mmd", -1), "mmd: expected an integer"),
        (spoil("mmd", 10**9), "mmd: expected an integer"),
        (spoil("mmd", 1.5), "mmd: expected an integer"),
        (spoil("state", "usable"), "state: expected an object"),
        (spoil("state", {}), "state: expected one of pending"),
        (spoil("state", {"fine": {}}), "state: expected one of pending"),
        (spoil("state", {"usable": {}, "retired": {}}), "state: expected one of pending"),
        (spoil("state", {"usable": {"timestamp": "2026-13-01T00:00:00Z"}}), "timestamp: expected a time"),
        (
            spoil("state", {"usable": {"timestamp": "0001-01-01T00:00:00+14:00"}}),
            "timestamp: expected a time",
        ),
        (spoil("state", {"usable": {"timestamp": "2026-01-01T00:00:00"}}), "timestamp: expected a time"),
        (spoil("state", {"usable": {"timestamp": "2026-W01-1T00:00:00Z"}}), "timestamp: expected a time"),
        (spoil("temporal_interval", {"start_inclusive": "2026-01-01T00:00:00Z"}), "end_exclusive"),
        (
            spoil(
                "temporal_interval",
                {"start_inclusive": "2026-01-01T00:00:00Z", "end_exclusive": "2026-01-01T00:00:00Z"},
            ),
            "temporal_interval: expected a start before the end",
        ),
        (spoil("previous_operators", [{"name": "First"}]), r"previous_operators\[0\].end_time"),
        (spoil(CODEPOINT_FIELD, 65536), f"{CODEPOINT_FIELD}: expected an integer from 0 to 65535"),
        (spoil("description", "\ud800"), "description: expected a string of whole characters"),
    ],
)
def test_a_list_of_another_form_is_malformed(
    listed: dict[str, Any], change: Callable[[dict[str, Any]], object], problem: str | None
):
    change(listed)
    if problem is None:
        assert parse(listed).logs == ()
        return
    with pytest.raises(MalformedInput, match=problem):
        parse(listed)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "expected JSON"),
        (b"[]", "own: expected an object"),
        (b'{"operators": []} x', "expected JSON"),
        (b'{"operators": [], "operators": []}', "expected each name once"),
        (b'{"operators": NaN}', "has no NaN"),
        (b'{"operators": ' + b"[" * 100_000, "expected fewer values within values|expected JSON"),
        (b'{"x": ' + b"9" * 10_000 + b"}", "expected JSON"),
        (b'\xff{"operators": []}', "UTF-8"),
        ('{"operators": []}'.encode("utf-16"), "UTF-8"),
        (b" " * (MAX_LOG_LIST_SIZE + 1), "at most"),
    ],
)
def test_what_is_no_json(text: bytes, problem: str):
    with pytest.raises(MalformedInput, match=problem):
        parse_log_list(text, "own")


@pytest.mark.parametrize(
    "spki",
    [
        PrivateKey.generate(KeyAlgorithm.ED25519).public_key.spki,
        PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384").public_key.spki,
        mldsa.MLDSA44PrivateKey
        .generate()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["Ed25519", "P-384", "ML-DSA-44"],
)
def test_a_log_with_a_key_we_do_not_take_is_skipped_and_named(
    listed: dict[str, Any], own: list[Log], spki: bytes
):
    log = listed["operators"][0]["logs"][0]
    log["key"], log["log_id"] = b64encode(spki).decode(), b64encode(sha256(spki).digest()).decode()
    parsed = parse(listed)
    assert [log.log_id for log in parsed.logs] == [own[1].log_id]
    (skipped,) = parsed.skipped
    assert skipped.startswith("own.operators[0].logs[0]: ")


def test_an_origin_that_is_not_the_address_is_in_the_list(own: list[Log]):
    named = replace(own[0], origin="corp.example/log/sm2")
    encoded = encode_log_list([named, own[1]], {own[0].operator: ()}, timestamp=NOON)
    first, second = parse_log_list(json.dumps(encoded).encode(), "own").logs
    assert (first.origin, first.checkpoint_origin) == ("corp.example/log/sm2", "corp.example/log/sm2")
    assert second.origin is None
    assert second.checkpoint_origin == str(second.submission_url).removeprefix("https://").rstrip("/")
