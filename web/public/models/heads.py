"""Tree heads that anybody was shown, and what is known of each pair: verified, not yet, failed.

The auditor keeps a head of its own only after the log proved that it continues the one before (RFC 6962
section 2.1.2); heads that others were shown are compared with the entries that the auditor holds. A pair that
failed is an alert, and its heads stand in the alert's evidence.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nlargest
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

from monitor.observations.values import SeenHead, SeenState
from monitor.values import Alert, Head, from_ms
from web.public.drawing.lanes import HeadLane, HeadMark
from web.public.language import Text, say
from web.public.models.logs import explained
from web.public.state import State, worst
from web.public.text import moment, plural

_WITNESS = "the witness "
_CLIENT = "a client"
_STATES: Final = {
    SeenState.AGREES: State.TRUSTED,
    SeenState.OPEN: State.UNKNOWN,
    SeenState.CONFLICTS: State.REFUSED,
    SeenState.FORGED: State.UNKNOWN,
}
_KNOWN: Final = {
    SeenState.AGREES: say("It is of the same tree: its root is that of the entries held here."),
    SeenState.OPEN: say("It waits until the entries up to it have been read."),
    SeenState.CONFLICTS: say("It is of another tree than the entries held here, and the log signed both."),
    SeenState.FORGED: say("The log did not sign it, so it says nothing about the log."),
}
_MOST_FAILED = 5

type End = tuple[int, datetime]
"""The size of a tree and when its head was signed."""


@dataclass(frozen=True, slots=True)
class HeadShown:
    """One head that somebody was shown; ``words`` say how it stands to those before it."""

    observer: Text
    tree_size: int
    timestamp: datetime
    root_hash: bytes
    state: State
    words: Text
    anchor: str = ""
    """What an address names this row by; of several heads of one size only the newest has it."""


@dataclass(frozen=True, slots=True)
class FailedPair:
    """Two heads of which one cannot follow the other, and the alert whose evidence shows it."""

    alert: Alert
    first: End
    second: End
    words: Text


@dataclass(frozen=True, slots=True)
class Heads:
    """All heads known of one log, newest first."""

    own: tuple[Head, ...]
    others: tuple[SeenHead, ...]
    failed: tuple[FailedPair, ...]

    @property
    def counted(self) -> int:
        return len(self.own) + len(self.others)


def heads_of(own: Sequence[Head], others: Sequence[SeenHead], alerts: Sequence[Alert]) -> Heads:
    """Put together what the auditor saw, what others saw, and what did not fit."""
    failed = (_failed(alert) for alert in alerts)
    return Heads(tuple(own), tuple(others), tuple(pair for pair in failed if pair is not None))


def observer_words(observer: str) -> Text:
    """Say who was shown a head; of a proxy only its host, its address may hold a password."""
    if observer.startswith(_WITNESS):
        return say("witness {name}", name=observer.removeprefix(_WITNESS))
    if observer == _CLIENT:
        return say("a client's proxy")
    host = urlsplit(observer).hostname if "//" in observer else observer
    return say("another vantage, {host}", host=host or say("not named"))


def rows(heads: Heads, most: int) -> tuple[HeadShown, ...]:
    """Return the newest heads of everybody as rows of a table."""
    own = nlargest(most, _with_before(heads.own), key=lambda pair: pair[0].timestamp)
    others = nlargest(most, heads.others, key=lambda seen: seen.head.timestamp)
    shown = [*(_own_row(head, before) for head, before in own), *map(_other_row, others)]
    newest = nlargest(most, shown, key=lambda row: row.timestamp)
    first = {row.tree_size: row for row in reversed(newest)}
    return tuple(
        replace(row, anchor=f"size-{row.tree_size}") if first[row.tree_size] is row else row for row in newest
    )


def _with_before(own: Sequence[Head]) -> list[tuple[Head, Head | None]]:
    return [*pairwise(own), (own[-1], None)] if own else []


def _own_row(head: Head, before: Head | None) -> HeadShown:
    return HeadShown(
        say("this auditor"),
        head.tree_size,
        head.timestamp,
        head.root_hash,
        State.TRUSTED,
        _own_words(head, before),
    )


def _own_words(head: Head, before: Head | None) -> Text:
    if before is None:
        return say("The first that is kept here.")
    size = f"{before.tree_size:,}"
    if head.tree_size == before.tree_size:
        return say("The same tree as before, signed anew.")
    if head.rebuilt:
        return say("It continues the tree of {size}: proven, and rebuilt from the entries.", size=size)
    return say("It continues the tree of {size}: proven; its entries are still being read.", size=size)


def _other_row(seen: SeenHead) -> HeadShown:
    return HeadShown(
        observer_words(seen.observer),
        seen.head.tree_size,
        from_ms(seen.head.timestamp),
        seen.head.root_hash,
        _STATES[seen.state],
        _KNOWN[seen.state],
    )


# the picture


def lanes(heads: Heads) -> tuple[HeadLane, ...]:
    """Return a lane for each observer, this auditor first, and one for each pair that failed."""
    found = [_own_lane(heads.own)] if heads.own else []
    observers = dict.fromkeys(seen.observer for seen in heads.others if seen.state is not SeenState.FORGED)
    found += [_other_lane(observer, heads.others) for observer in sorted(observers)]
    return (*found, *(_failed_lane(pair) for pair in heads.failed[:_MOST_FAILED]))


def first_time(drawn: Sequence[HeadLane]) -> datetime:
    """Return when the oldest of the heads on these lanes was signed."""
    return min(mark.time for lane in drawn for mark in lane.marks)


def _own_lane(own: Sequence[Head]) -> HeadLane:
    marks = tuple(
        HeadMark(
            head.timestamp, State.TRUSTED, _title(head.tree_size, head.timestamp, _own_words(head, before))
        )
        for head, before in reversed(_with_before(own))
    )
    links = (State.TRUSTED,) * (len(own) - 1)
    return HeadLane(say("this auditor"), plural(len(own), "tree head"), marks, links)


def _other_lane(observer: str, others: Sequence[SeenHead]) -> HeadLane:
    seen = [one for one in reversed(others) if one.observer == observer and one.state is not SeenState.FORGED]
    marks = tuple(
        HeadMark(
            from_ms(one.head.timestamp),
            _STATES[one.state],
            _title(one.head.tree_size, from_ms(one.head.timestamp), _KNOWN[one.state]),
        )
        for one in seen
    )
    links = tuple(worst((one.state, other.state)) for one, other in pairwise(marks))
    return HeadLane(observer_words(observer), plural(len(seen), "tree head"), marks, links)


def _failed_lane(pair: FailedPair) -> HeadLane:
    ends = sorted((pair.first, pair.second), key=lambda end: end[1])
    marks = tuple(HeadMark(at, State.REFUSED, _title(size, at, pair.words)) for size, at in ends)
    sizes = say("{first} and {second} entries", first=f"{pair.first[0]:,}", second=f"{pair.second[0]:,}")
    return HeadLane(say("failed: {code}", code=pair.alert.code.value), sizes, marks, (State.REFUSED,))


def _title(size: int, at: datetime, words: Text) -> Text:
    return say(
        "{entries}, {when}: {state}", entries=plural(size, "entry", "entries"), when=moment(at), state=words
    )


# pairs that failed


def _failed(alert: Alert) -> FailedPair | None:
    first, second = (_head_in(alert.evidence, name) for name in ("previous_tree_head", "tree_head"))
    if first is None or second is None:
        return None
    return FailedPair(alert, first, second, explained(alert.detail, alert.code.value))


def _head_in(evidence: Mapping[str, Any], name: str) -> End | None:
    with suppress(KeyError, TypeError, ValueError):
        return int(evidence[name]["tree_size"]), from_ms(int(evidence[name]["timestamp"]))
    return None


# for programs


def seen_facts(seen: SeenHead) -> dict[str, Any]:
    """Return a head that somebody else was shown, for JSON."""
    return {
        "observer": observer_words(seen.observer),
        "state": _STATES[seen.state],
        "compared": seen.state,
        "tree_size": seen.head.tree_size,
        "timestamp": from_ms(seen.head.timestamp),
        "sha256_root_hash": seen.head.root_hash,
        "tree_head_signature": seen.head.signature,
        "seen_at": seen.seen_at,
    }


def pair_facts(heads: Heads) -> list[dict[str, Any]]:
    """Return every pair of heads that were compared, newest first, those that failed before all others."""
    failed = [
        {
            **_pair((pair.first, pair.second), State.REFUSED, pair.alert.code.value, pair.words),
            "observer": _accuser(pair.alert.evidence),
            "alert": pair.alert.id,
        }
        for pair in heads.failed
    ]
    own = [
        {
            **_pair((_end(before), _end(head)), State.TRUSTED, _how(head), _own_words(head, before)),
            "observer": say("this auditor"),
        }
        for head, before in pairwise(heads.own)
    ]
    return [*failed, *own]


def _accuser(evidence: Mapping[str, Any]) -> Text:
    return observer_words(evidence["observer"]) if evidence.get("observer") else say("this auditor")


def _end(head: Head) -> End:
    return head.tree_size, head.timestamp


def _how(head: Head) -> str:
    return "rebuilt" if head.rebuilt else "proven"


def _pair(ends: tuple[End, End], state: State, how: str, words: Text) -> dict[str, Any]:
    (first_size, first_time), (second_size, second_time) = ends
    return {
        "first_tree_size": first_size,
        "first_timestamp": first_time,
        "second_tree_size": second_size,
        "second_timestamp": second_time,
        "state": state,
        "how": how,
        "sentence": words,
    }
