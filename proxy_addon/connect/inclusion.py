"""Proving that an SCT's entry is in its log's tree, without telling anybody which site was visited.

The monitor is asked for all leaves below a short prefix of the leaf hash: at least ``CROWD`` others are
expected to share it. Signature and proof are checked here, so the monitor need not be believed.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from proxy_addon.connect.fetch import Http
from proxy_addon.errors import FetchError
from verifier.errors import InvalidProof, VerifierError
from verifier.judge.verdict import ReliedSct
from verifier.transparency.log_list import Log
from verifier.transparency.merkle import verify_inclusion
from verifier.transparency.tree_head import SignedTreeHead

CROWD: Final = 64  # leaves that share the prefix, so that a question tells nothing
HEX_BASE: Final = 16
MAX_ANSWER: Final = 8 * 1024 * 1024
OK, TOO_MANY = 200, 400
TRIES: Final = 3


class State(StrEnum):
    """How a question about one SCT ended."""

    INCLUDED = "included"
    NOT_INCLUDED = "not-included"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found out about one SCT; ``detail`` is one sentence."""

    state: State
    detail: str
    tree_size: int | None = None
    crowd: int | None = None
    """How many entries the question was about at once: the monitor cannot tell which of them is ours."""
    head: SignedTreeHead | None = None
    """The verified tree head that the answer rests on."""


class InclusionChecker:
    """Asks the monitor behind ``public_url``; remembers each log's size, to choose the prefix."""

    def __init__(self, http: Http, public_url: str) -> None:
        self._http = http
        self._url = public_url
        self._sizes: dict[bytes, int] = {}

    def check(self, sct: ReliedSct, log: Log) -> Proof:
        """Return whether the SCT's entry is in the tree. Blocks; never raises."""
        try:
            head, answer = self._ask(sct, log)
            return _conclude(sct, head, answer)
        except FetchError as error:
            return Proof(State.UNKNOWN, f"The monitor gave no answer: {error}.")
        except (VerifierError, KeyError, TypeError, ValueError) as error:
            return Proof(State.UNKNOWN, f"The monitor's answer does not hold: {error}.")

    def _ask(self, sct: ReliedSct, log: Log) -> tuple[SignedTreeHead, Mapping[str, Any]]:
        """Ask by as few digits as the monitor answers; the head of its answer carries the log's signature.

        How many digits may be told is read from signed heads alone: a monitor that makes up a larger tree
        would learn more of the leaf hash than a crowd shares.
        """
        for _ in range(TRIES):
            digits = prefix_digits(self._sizes.get(log.log_id, 0))
            url = f"{self._url}/inclusion/{log_path_name(log)}?prefix={sct.leaf_hash.hex()[:digits]}"
            answer = self._http.ask(url, limit=MAX_ANSWER)
            if answer.status not in {OK, TOO_MANY}:
                raise FetchError(f"{url} answered with status {answer.status}")
            value = json.loads(answer.body)
            if not isinstance(value, dict):
                raise FetchError(f"{url} answered with something else than an object")
            head = _tree_head(value)
            head.verify(log.key, log.codepoint)
            self._sizes[log.log_id] = head.tree_size
            if answer.status == OK:
                return head, value
        raise FetchError(f"the monitor names no prefix of log {log_path_name(log)} that it would answer")


def prefix_digits(tree_size: int) -> int:
    """Return how many hexadecimal digits may be told so that CROWD leaves are expected to share them."""
    digits = 0
    while tree_size // HEX_BASE ** (digits + 1) >= CROWD:
        digits += 1
    return digits


def log_path_name(log: Log) -> str:
    """Return the log's name in our paths: the last part of its address (``…/log/<name>/``)."""
    address = log.url or log.submission_url or log.monitoring_url or ""
    return address.rstrip("/").rpartition("/")[2]


def _tree_head(answer: Mapping[str, Any]) -> SignedTreeHead:
    head = answer["tree_head"]
    return SignedTreeHead(
        tree_size=int(head["tree_size"]),
        timestamp=int(head["timestamp"]),
        root_hash=_decode(head["sha256_root_hash"]),
        signature=_decode(head["tree_head_signature"]),
    )


def _conclude(sct: ReliedSct, head: SignedTreeHead, answer: Mapping[str, Any]) -> Proof:
    state, detail = _concluded(sct, head, answer)
    crowd = len(answer["leaves"])
    if state is State.INCLUDED:
        detail = f"{detail} The monitor was asked about {crowd} entries at once, and knows no more."
    return Proof(state, detail, head.tree_size, crowd, head)


def _concluded(sct: ReliedSct, head: SignedTreeHead, answer: Mapping[str, Any]) -> tuple[State, str]:
    size = head.tree_size
    for leaf in answer["leaves"]:
        if _decode(leaf["leaf_hash"]) != sct.leaf_hash:
            continue
        path = [_decode(node) for node in leaf["audit_path"]]
        try:
            verify_inclusion(sct.leaf_hash, int(leaf["leaf_index"]), size, path, head.root_hash)
        except InvalidProof as error:
            return State.UNKNOWN, f"The monitor's proof does not hold: {error}."
        return State.INCLUDED, f"Entry {leaf['leaf_index']} of {size}, proven by its path to the signed root."
    signed_at = datetime.fromtimestamp(head.timestamp / 1000, UTC)
    if signed_at < sct.due:
        return State.UNKNOWN, "The log has signed no tree head since its promise fell due."
    return State.NOT_INCLUDED, (
        f"The log promised this entry by {sct.due:%Y-%m-%d %H:%M:%S} UTC; the tree of {size} entries that it "
        f"signed at {signed_at:%H:%M:%S} UTC does not hold it."
    )


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
