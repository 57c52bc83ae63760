"""The checks of a tree head, as functions of values: what was signed, when, and what stood before it.

Each returns a finding. Its evidence is enough for a third party: the heads as signed, and the proof between.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from monitor.auditor.histories import History
from monitor.values import AuditCode, AuditFinding, FindingOutcome, Head, WatchedLog, from_ms
from verifier.errors import InvalidProof, InvalidSignature, MalformedInput, UnsupportedAlgorithm
from verifier.transparency.digitally_signed import DigitallySigned, log_scheme
from verifier.transparency.merkle import consistency_spans, verify_consistency
from verifier.transparency.strict_json import encode_base64
from verifier.transparency.tree_head import SignedTreeHead

CLOCK_TOLERANCE = timedelta(minutes=5)
STH = "RFC 6962 section 3.5"
PROOF = "RFC 6962 section 2.1.2"
_PASSED, _NOTE, _FAILED = FindingOutcome.PASSED, FindingOutcome.NOTE, FindingOutcome.FAILED


def head_json(head: SignedTreeHead | Head) -> dict[str, Any]:
    """Return a head as get-sth writes it."""
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp_ms if isinstance(head, Head) else head.timestamp,
        "sha256_root_hash": encode_base64(head.root_hash),
        "tree_head_signature": encode_base64(head.signature),
    }


def check_signature(
    log: WatchedLog,
    head: SignedTreeHead,
    known: Iterable[Head] = (),
    peers: Mapping[bytes, WatchedLog] | None = None,
) -> AuditFinding:
    """Was this head signed with the log's key (RFC 6962 section 3.5)?

    ``known`` heads and the keys of ``peers`` tell what was signed instead, where that can be told.
    """
    evidence = {
        "log_id": encode_base64(log.log_id),
        "key": encode_base64(log.key.spki),
        "tree_head": head_json(head),
    }
    try:
        head.verify(log.key, log.codepoint)
    except (InvalidSignature, MalformedInput, UnsupportedAlgorithm) as error:
        code, more, why = _forgery(log, head, known, peers or {})
        what = f"The tree head of size {head.tree_size} is not signed with the key of {log.name}"
        return AuditFinding(code, _FAILED, f"{what}: {why or error}.", STH, {**evidence, **more})
    detail = f"The tree head of size {head.tree_size} is signed with the log's {log.key.algorithm.value} key."
    return AuditFinding(AuditCode.HEAD_SIGNATURE, _PASSED, detail, STH, {"tree_head": head_json(head)})


def _forgery(
    log: WatchedLog, head: SignedTreeHead, known: Iterable[Head], peers: Mapping[bytes, WatchedLog]
) -> tuple[AuditCode, dict[str, Any], str]:
    """What kind of wrong signature this is, what shows it, and in words."""
    for other in known:
        if other.signature == head.signature:
            why = f"it stands under the signature of the head of size {other.tree_size}"
            return AuditCode.HEAD_SIGNATURE_REUSED, {"signed_tree_head": head_json(other)}, why
    for peer in peers.values():
        if peer.log_id != log.log_id and _signs(peer, head):
            why = f"the key of {peer.name} signed it"
            return AuditCode.HEAD_KEY_WRONG, {"signing_key": encode_base64(peer.key.spki)}, why
    expected = log.codepoint if log.codepoint is not None else log_scheme(log.key).value
    try:
        code = DigitallySigned.parse(head.signature).code
    except MalformedInput:
        return AuditCode.HEAD_SIGNATURE_INVALID, {}, ""
    if code != expected:
        why = f"it names the algorithm {code:#06x}, the key calls for {expected:#06x}"
        return AuditCode.HEAD_ALGORITHM_WRONG, {}, why
    return AuditCode.HEAD_SIGNATURE_INVALID, {}, ""


def _signs(log: WatchedLog, head: SignedTreeHead) -> bool:
    try:
        head.verify(log.key, log.codepoint)
    except (InvalidSignature, MalformedInput, UnsupportedAlgorithm):
        return False
    return True


_ENDED = frozenset({"readonly", "retired"})  # states of log list v3 in which a log admits nothing


def check_freshness(log: WatchedLog, head: SignedTreeHead, now: datetime) -> AuditFinding:
    """Is the head younger than the log's merge delay, and not from the future?"""
    age = now - from_ms(head.timestamp)
    evidence = {"tree_head": head_json(head), "checked_at": now.isoformat(), "mmd": log.mmd.total_seconds()}
    if log.state in _ENDED and age >= -CLOCK_TOLERANCE:
        detail = f"The log is {log.state}: its last tree head stays, now {_span(max(age, timedelta()))} old."
        return AuditFinding(AuditCode.HEAD_FRESH, _PASSED, detail, STH)
    if age > log.mmd + CLOCK_TOLERANCE:
        detail = f"The newest tree head is {_span(age)} old; the log promises one every {_span(log.mmd)}."
        return AuditFinding(AuditCode.HEAD_STALE, _FAILED, detail, STH, evidence)
    if age < -CLOCK_TOLERANCE:
        detail = f"The tree head is dated {_span(-age)} after this machine's clock."
        return AuditFinding(AuditCode.HEAD_FROM_FUTURE, _FAILED, detail, STH, evidence)
    detail = (
        f"The tree head is {_span(max(age, timedelta()))} old, within the merge delay of {_span(log.mmd)}."
    )
    return AuditFinding(AuditCode.HEAD_FRESH, _PASSED, detail, STH)


def check_sequence(
    head: SignedTreeHead, before: Head | None, own: tuple[Head, History] | None
) -> AuditFinding:
    """Can this head follow, or have stood before, the last one that was verified?

    ``own`` is the last head whose root was rebuilt, and the history of its tree at the head's size, where the
    head is not larger.
    """
    if before is None:
        return AuditFinding(AuditCode.HEAD_FIRST, _NOTE, "This is the first tree head seen of this log.", STH)
    evidence = {"tree_head": head_json(head), "previous_tree_head": head_json(before)}
    if head.tree_size == before.tree_size and head.root_hash != before.root_hash:
        detail = f"Two signed tree heads of size {head.tree_size} have different roots."
        return AuditFinding(AuditCode.TREE_FORKED, _FAILED, detail, PROOF, evidence)
    if head.tree_size < before.tree_size:
        return _smaller(head, before, own, evidence)
    if head.tree_size > before.tree_size and head.timestamp < before.timestamp_ms:
        detail = (
            f"The tree grew from {before.tree_size} to {head.tree_size} entries, but the later head"
            f" is dated {_span(from_ms(before.timestamp_ms) - from_ms(head.timestamp))} earlier."
        )
        return AuditFinding(AuditCode.TIME_REVERSED, _FAILED, detail, STH, evidence)
    if head.timestamp < before.timestamp_ms:
        detail = "The log served an older head of the same tree."
        return AuditFinding(AuditCode.HEAD_OLDER, _NOTE, detail, STH)
    detail = f"The tree went from {before.tree_size} to {head.tree_size} entries."
    return AuditFinding(AuditCode.HEAD_SEQUENCE, _PASSED, detail, STH)


def _smaller(
    head: SignedTreeHead, before: Head, own: tuple[Head, History] | None, evidence: dict[str, Any]
) -> AuditFinding:
    if head.timestamp > before.timestamp_ms:
        detail = f"The tree shrank from {before.tree_size} to {head.tree_size} entries."
        return AuditFinding(AuditCode.TREE_SHRUNK, _FAILED, detail, STH, evidence)
    if own is not None and own[1][0] != head.root_hash:
        detail = f"The entries have another root at size {head.tree_size} than this signed tree head says."
        shown = {**evidence, "previous_tree_head": head_json(own[0]), **history_json(own[1])}
        return AuditFinding(AuditCode.TREE_FORKED, _FAILED, detail, PROOF, shown)
    detail = (
        f"The log served an older head, of size {head.tree_size}; size {before.tree_size} was seen before."
    )
    return AuditFinding(AuditCode.HEAD_OLDER, _NOTE, detail, STH)


def history_json(history: History) -> dict[str, Any]:
    """Return what shows which root a tree has at a smaller size."""
    return {
        "own_root": encode_base64(history[0]),
        "consistency": [encode_base64(node) for node in history[1]],
    }


def check_consistency(head: SignedTreeHead, before: Head, proof: Sequence[bytes]) -> AuditFinding:
    """Does the log's own proof lead from the last verified head to this one (RFC 6962 section 2.1.2)?"""
    evidence = {
        "tree_head": head_json(head),
        "previous_tree_head": head_json(before),
        "consistency": [encode_base64(node) for node in proof],
    }
    try:
        verify_consistency(before.tree_size, head.tree_size, before.root_hash, head.root_hash, proof)
    except InvalidProof as error:
        code, called_for = AuditCode.CONSISTENCY_INVALID, 0
        if before.tree_size:
            called_for = len(consistency_spans(before.tree_size, head.tree_size))
        if len(proof) != called_for:
            code = AuditCode.CONSISTENCY_LENGTH
        sizes = f"{head.tree_size} entries is not shown to continue that of {before.tree_size}"
        detail = f"The tree of {sizes}: {error}."
        return AuditFinding(code, _FAILED, detail, PROOF, evidence)
    detail = f"The tree of {head.tree_size} entries continues that of {before.tree_size}."
    return AuditFinding(AuditCode.CONSISTENCY, _PASSED, detail, PROOF, evidence)


def _span(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length * 2:
            return f"{seconds // length} {unit}s"
    return f"{seconds} s"
