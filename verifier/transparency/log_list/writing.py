"""A v3 log list of one's own logs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from verifier.errors import MalformedInput
from verifier.transparency.log_list.model import Log
from verifier.transparency.log_list.reading import CODEPOINT_FIELD, ORIGIN_FIELD
from verifier.transparency.strict_json import encode_base64

Api = Literal["static", "rfc6962"]
JsonValue = str | int | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


def encode_log_list(
    logs: Iterable[Log],
    operators: Mapping[str, Sequence[str]],
    api: Api = "static",
    *,
    timestamp: datetime,
    version: str = "1.0",
) -> dict[str, JsonValue]:
    """The list as a JSON object.

    ``operators`` maps each operator's name to its e-mail addresses; the list keeps its order. A log with both
    read APIs is listed once, under the one asked for: ``static`` under ``tiled_logs``, ``rfc6962`` under
    ``logs``. A log that has only the other one is listed under that. ``timestamp`` is when the list was made,
    and since when a log has its state that does not say. Raises ``MalformedInput`` for a log whose operator
    or address is missing.
    """
    grouped: dict[str, list[Log]] = {name: [] for name in operators}
    for log in logs:
        if log.operator not in grouped:
            raise MalformedInput(f"operators: expected {log.operator!r}, who runs {log.description!r}")
        grouped[log.operator].append(log)
    return {
        "version": version,
        "log_list_timestamp": _time(timestamp),
        "operators": [
            _operator(name, operators[name], owned, api, timestamp) for name, owned in grouped.items()
        ],
    }


def _operator(
    name: str, email: Sequence[str], logs: Sequence[Log], api: Api, listed_at: datetime
) -> dict[str, JsonValue]:
    tiled = [log for log in logs if _is_tiled(log, api)]
    return {
        "name": name,
        "email": list(email),
        "logs": [_log(log, listed_at, tiled=False) for log in logs if log not in tiled],
        "tiled_logs": [_log(log, listed_at, tiled=True) for log in tiled],
    }


def _is_tiled(log: Log, api: Api) -> bool:
    if log.submission_url is None or log.monitoring_url is None:
        return False
    return api == "static" or log.url is None


def _log(log: Log, listed_at: datetime, *, tiled: bool) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {
        "description": log.description,
        "log_id": encode_base64(log.log_id),
        "key": encode_base64(log.key.spki),
        "mmd": int(log.mmd.total_seconds()),
        "state": {log.state.value: _state(log, listed_at)},
        **_addresses(log, tiled=tiled),
    }
    if (interval := log.temporal_interval) is not None:
        fields["temporal_interval"] = {
            "start_inclusive": _time(interval.start_inclusive),
            "end_exclusive": _time(interval.end_exclusive),
        }
    if log.previous_operators:
        fields["previous_operators"] = [
            {"name": previous.name, "end_time": _time(previous.end_time)}
            for previous in log.previous_operators
        ]
    if log.codepoint is not None:
        fields[CODEPOINT_FIELD] = log.codepoint
    if log.origin is not None:
        fields[ORIGIN_FIELD] = log.origin
    return fields


def _state(log: Log, listed_at: datetime) -> dict[str, JsonValue]:
    state: dict[str, JsonValue] = {"timestamp": _time(log.state_since or listed_at)}
    if log.final_tree_head is not None:
        root = encode_base64(log.final_tree_head.root_hash)
        state["final_tree_head"] = {"sha256_root_hash": root, "tree_size": log.final_tree_head.tree_size}
    return state


def encode_log(log: Log, *, listed_at: datetime) -> dict[str, JsonValue]:
    """One log as it stands under ``tiled_logs`` or ``logs``: what a log's ``log.v3.json`` holds.

    Raises ``MalformedInput`` for one without an address.
    """
    return _log(log, listed_at, tiled=_is_tiled(log, "static"))


def _addresses(log: Log, *, tiled: bool) -> dict[str, JsonValue]:
    addresses = (
        {"submission_url": log.submission_url, "monitoring_url": log.monitoring_url}
        if tiled
        else {"url": log.url}
    )
    missing = [name for name, address in addresses.items() if address is None]
    if missing:
        raise MalformedInput(f"log {log.description!r}: expected an address for {missing[0]}")
    return {name: address for name, address in addresses.items() if address is not None}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
