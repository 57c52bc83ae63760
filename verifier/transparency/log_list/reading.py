"""A v3 log list parsed, strictly in what it uses and indifferent to what it does not know."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from verifier.algorithms import PublicKey
from verifier.errors import KeyFormatError, UnsupportedAlgorithm
from verifier.transparency.digitally_signed import log_scheme
from verifier.transparency.log_list.model import (
    DEFAULT_MERGE_DELAY,
    FinalTreeHead,
    Log,
    LogList,
    LogState,
    PreviousOperator,
    TemporalInterval,
)
from verifier.transparency.strict_json import JsonObject, parse_json
from verifier.transparency.wire import UINT16_MAX

MAX_LOG_LIST_SIZE: Final = 8 << 20  # bytes; the browsers' complete history of logs takes 100 KB
CODEPOINT_FIELD: Final = "mingjing_signature_codepoint"
ORIGIN_FIELD: Final = "mingjing_origin"

_MAX_TREE_SIZE = (1 << 63) - 1
_HASH_SIZE = 32
_MAX_MERGE_DELAY = 366 * 24 * 3600  # seconds; the browsers allow a day


def parse_log_list(data: bytes, name: str) -> LogList:
    """The logs of a v3 list; ``name`` is what the policy calls it.

    Raises ``MalformedInput`` naming the field. A log whose key is of a kind that this program does not take
    (RFC 6962 section 2.1.4) is skipped, and the list says so: its SCTs count as those of an unknown log.
    """
    root = parse_json(data, name, maximum=MAX_LOG_LIST_SIZE)
    logs: dict[bytes, Log] = {}
    skipped: list[str] = []
    for operator in root.objects("operators"):
        owner = operator.text("name")
        for kind in ("logs", "tiled_logs"):
            for fields in operator.objects(kind, optional=True):
                try:
                    log = _log(fields, owner, tiled=kind == "tiled_logs")
                except UnsupportedAlgorithm as error:
                    skipped.append(f"{fields.path}: {error}")
                    continue
                if log.log_id in logs:
                    raise fields.error("log_id", "expected each log once in a list")
                logs[log.log_id] = log
    timestamp = root.time("log_list_timestamp", optional=True)
    return LogList(tuple(logs.values()), timestamp, name, tuple(skipped))


def _log(fields: JsonObject, owner: str, *, tiled: bool) -> Log:
    key = _key(fields)
    state, since, final = _state(fields)
    return Log(
        log_id=key.key_id,
        key=key,
        description=fields.text("description", optional=True) or "",
        operator=owner,
        mmd=_merge_delay(fields),
        state=state,
        state_since=since,
        url=None if tiled else _url(fields, "url"),
        submission_url=_url(fields, "submission_url") if tiled else None,
        monitoring_url=_url(fields, "monitoring_url") if tiled else None,
        temporal_interval=_interval(fields),
        codepoint=fields.integer(CODEPOINT_FIELD, maximum=UINT16_MAX) if CODEPOINT_FIELD in fields else None,
        previous_operators=_previous_operators(fields),
        origin=fields.text(ORIGIN_FIELD, optional=True),
        final_tree_head=final,
    )


def _key(fields: JsonObject) -> PublicKey:
    """The log's key. ``UnsupportedAlgorithm`` where its id confirms it and this program does not take it."""
    spki = fields.base64("key")
    if fields.base64("log_id") != sha256(spki).digest():
        raise fields.error("log_id", "expected SHA-256 of the key")
    try:
        key = PublicKey.from_spki(spki)
    except KeyFormatError as error:
        raise UnsupportedAlgorithm(str(error)) from error
    log_scheme(key)
    return key


def _state(fields: JsonObject) -> tuple[LogState, datetime | None, FinalTreeHead | None]:
    """A state is an object with one field, named for the state."""
    if "state" not in fields:
        return LogState.USABLE, None, None
    states = fields.member("state")
    try:
        (state,) = (LogState(name) for name in states.names())
    except ValueError:
        raise fields.error("state", f"expected one of {', '.join(LogState)}") from None
    told = states.member(state)
    return state, told.time("timestamp", optional=True), _final_tree_head(told)


def _final_tree_head(state: JsonObject) -> FinalTreeHead | None:
    if "final_tree_head" not in state:
        return None
    head = state.member("final_tree_head")
    root = head.base64("sha256_root_hash")
    if len(root) != _HASH_SIZE:
        raise head.error("sha256_root_hash", "expected the 32 bytes of SHA-256")
    return FinalTreeHead(head.integer("tree_size", maximum=_MAX_TREE_SIZE), root)


def _merge_delay(fields: JsonObject) -> timedelta:
    if "mmd" not in fields:
        return DEFAULT_MERGE_DELAY
    return timedelta(seconds=fields.integer("mmd", maximum=_MAX_MERGE_DELAY))


def _interval(fields: JsonObject) -> TemporalInterval | None:
    if "temporal_interval" not in fields:
        return None
    interval = fields.member("temporal_interval")
    start, end = interval.time("start_inclusive"), interval.time("end_exclusive")
    if start >= end:
        raise fields.error("temporal_interval", "expected a start before the end")
    return TemporalInterval(start, end)


def _previous_operators(fields: JsonObject) -> tuple[PreviousOperator, ...]:
    previous = (
        PreviousOperator(entry.text("name"), entry.time("end_time"))
        for entry in fields.objects("previous_operators", optional=True)
    )
    return tuple(sorted(previous, key=lambda entry: entry.end_time))


def _url(fields: JsonObject, name: str) -> str:
    """An http or https address with a host and nothing after its path."""
    text = fields.text(name)
    try:
        parts = urlsplit(text)
        usable = (
            parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
        )
    except ValueError:
        usable = False
    if not usable or any(letter.isspace() for letter in text):
        raise fields.error(name, "expected an http or https address")
    return text
