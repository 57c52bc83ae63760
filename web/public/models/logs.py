"""Logs and how they stand, as the site speaks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.values import (
    AuditFinding,
    AuditOutcome,
    FindingOutcome,
    Head,
    LogState,
    Overview,
)
from verifier.algorithms import KeyAlgorithm, PublicKey
from web.public.drawing import Point
from web.public.language import Text, join, quoted, say
from web.public.language.catalogue import MEANINGS
from web.public.state import Said, State
from web.public.text import plural

_FINDINGS = {
    FindingOutcome.PASSED: State.TRUSTED,
    FindingOutcome.FAILED: State.REFUSED,
    FindingOutcome.NOTE: State.UNKNOWN,
    FindingOutcome.UNAVAILABLE: State.UNKNOWN,
}
_ALGORITHMS = {
    KeyAlgorithm.SM2: "SM2 with SM3",
    KeyAlgorithm.ECDSA: "ECDSA with SHA-256",
    KeyAlgorithm.RSA: "RSA with SHA-256",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of an audit or of a verdict as a line; ``compared`` is what was held against what."""

    state: State
    code: str
    detail: Text
    reference: str
    title: Text | str = ""
    compared: Text | str = ""


def key_words(key: PublicKey) -> Text:
    """Return how a log signs: 'SM2 with SM3'."""
    return say(_ALGORITHMS.get(key.algorithm, key.algorithm.value))


def standing_words(log: LogState) -> Text:
    """Return the log's state in the log list, in words."""
    return say(log.state or "not stated")


def log_said(log: LogState) -> Said:
    """Say in one sentence how a log stands."""
    if log.distrusted:
        return Said(State.REFUSED, say("Its promises no longer count: {reason}.", reason=_fallen(log)))
    if log.outcome is AuditOutcome.INCONSISTENT:
        return Said(State.REFUSED, say("The last audit found it inconsistent."))
    if log.outcome is AuditOutcome.UNAVAILABLE:
        return Said(State.UNKNOWN, say("It did not answer the last audit, so nothing new is known of it."))
    if log.outcome is AuditOutcome.PENDING or log.head is None:
        return Said(State.UNKNOWN, say("It has not been audited to the end yet."))
    if not log.head.tree_size:
        return Said(State.TRUSTED, say("It is empty, and its signed root says so."))
    grew = "It only ever grew, and its root was rebuilt from all {entries}."
    return Said(State.TRUSTED, say(grew, entries=plural(log.head.tree_size, "entry", "entries")))


def _fallen(log: LogState) -> Text:
    if not log.distrusted_reason:
        return say("an audit caught it misbehaving")
    reason = quoted(log.distrusted_reason)
    return reason.change(lambda one: f"{one[:1].lower()}{one[1:].rstrip('.。')}")


def overview_said(overview: Overview, now: datetime) -> Said:
    """Say in one sentence how all logs stand; silence of the auditor is never good news."""
    if not overview.logs:
        none = say("No log is followed yet. The first audit starts within moments of the service.")
        return Said(State.UNKNOWN, none)
    states = [log_said(log) for log in overview.logs]
    bad = [log.name for log, said in zip(overview.logs, states, strict=True) if said.state is State.REFUSED]
    if bad:
        one = say("The log {log} was found misbehaving. The evidence is kept under Audits.", log=bad[0])
        several = "The logs {logs} were found misbehaving. The evidence is kept under Audits."
        return Said(State.REFUSED, one if len(bad) == 1 else say(several, logs=join(", ", bad)))
    if overview.stale(now):
        silent = say("The auditor has fallen silent, so what is shown here may be old.")
        return Said(State.UNKNOWN, silent)
    if any(said.state is State.UNKNOWN for said in states):
        waiting = [
            log.name for log, said in zip(overview.logs, states, strict=True) if said.state is State.UNKNOWN
        ]
        unfinished = say("The last audit could not be completed for: {logs}.", logs=join(", ", waiting))
        return Said(State.UNKNOWN, unfinished)
    return Said(
        State.TRUSTED,
        say("{which}: nothing was altered, dropped or hidden.", which=_all_keep(len(overview.logs))),
    )


def _all_keep(logs: int) -> Text:
    if logs == 1:
        return say("The log keeps its word")
    if logs == 2:  # noqa: PLR2004  English has a word for two
        return say("Both logs keep their word")
    return say("All {count} logs keep their word", count=logs)


def check_shown(finding: AuditFinding) -> Check:
    """Make one finding's line."""
    code = finding.code.value
    return Check(_FINDINGS[finding.outcome], code, explained(finding.detail, code), finding.reference)


def explained(detail: str, code: str) -> Text:
    """Return another room's sentence with its Chinese, or with the Chinese of what its code means."""
    return quoted(detail, MEANINGS.get(code, "")).change(_begun)


def _begun(sentence: str) -> str:
    """Return a sentence with a capital first, where it began with whoever was shown something."""
    return sentence[:1].upper() + sentence[1:] if sentence.startswith(("the ", "a ")) else sentence


def points(heads: Sequence[Head]) -> tuple[Point, ...]:
    """Return heads (newest first, as the monitor gives them) as a timeline's points, oldest first."""
    return tuple(
        Point(head.timestamp, head.tree_size, State.TRUSTED if head.rebuilt else State.UNKNOWN)
        for head in reversed(heads)
    )


def grew(drawn: Sequence[Point]) -> bool:
    """Tell whether there is any growth to draw."""
    return len({point.size for point in drawn}) > 1
