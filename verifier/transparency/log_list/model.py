"""Logs and lists of logs as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from verifier.algorithms import PublicKey
from verifier.transparency.sct import SignedCertificateTimestamp

DEFAULT_MERGE_DELAY: Final = timedelta(days=1)  # where a list names none: the longest that browsers accept


class LogState(StrEnum):
    """A log's state in the eyes of whoever distributes the list."""

    PENDING = "pending"
    QUALIFIED = "qualified"
    USABLE = "usable"
    READONLY = "readonly"
    RETIRED = "retired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class PreviousOperator:
    """Who ran a log before, until ``end_time``."""

    name: str
    end_time: datetime


@dataclass(frozen=True, slots=True)
class TemporalInterval:
    """The expiry dates that a shard takes: from ``start_inclusive`` up to, but not at, ``end_exclusive``."""

    start_inclusive: datetime
    end_exclusive: datetime

    def __contains__(self, not_after: datetime) -> bool:
        return self.start_inclusive <= not_after < self.end_exclusive


@dataclass(frozen=True, slots=True)
class FinalTreeHead:
    """The tree of a read-only log, to which nothing is added any more."""

    tree_size: int
    root_hash: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """One log of a list.

    ``url`` is where it answers RFC 6962; ``submission_url`` and ``monitoring_url`` where static-ct-api. A
    list names either the one or the other two. ``state`` holds since ``state_since``; a log without a state
    is usable, because naming a list is to use its logs. ``codepoint`` is what the log writes before its
    signatures, where that is not what its kind of key calls for. ``previous_operators`` are in order of time.
    ``origin`` is the first line of its checkpoints, where the list says it. ``final_tree_head`` is that of a
    read-only log, where the list says it.
    """

    log_id: bytes
    key: PublicKey
    description: str
    operator: str
    mmd: timedelta = DEFAULT_MERGE_DELAY
    state: LogState = LogState.USABLE
    state_since: datetime | None = None
    url: str | None = None
    submission_url: str | None = None
    monitoring_url: str | None = None
    temporal_interval: TemporalInterval | None = None
    codepoint: int | None = None
    previous_operators: tuple[PreviousOperator, ...] = ()
    origin: str | None = None
    final_tree_head: FinalTreeHead | None = None

    @property
    def checkpoint_origin(self) -> str:
        """The first line of its checkpoints: what the list says, else its submission address as
        static-ct-api has it, without scheme and without a slash at the end.
        """
        address = self.submission_url or self.url or ""
        return self.origin or address.partition("://")[2].rstrip("/")

    def operator_at(self, moment: datetime) -> str:
        """Who ran the log at that time."""
        for previous in self.previous_operators:
            if moment < previous.end_time:
                return previous.name
        return self.operator

    def state_problem(self, sct: SignedCertificateTimestamp) -> str | None:
        """Why an SCT of this log does not count because of the log's state; None where it counts.

        Qualified, usable and read-only logs count. A retired one counts for what it promised before it
        retired; pending and rejected ones never.
        """
        if self.state in {LogState.PENDING, LogState.REJECTED}:
            return f"the log is {self.state}"
        if self.state is LogState.RETIRED and (self.state_since is None or sct.time >= self.state_since):
            return "the log had retired when it signed this"
        return None


@dataclass(frozen=True)
class LogList:
    """The logs of one list. ``skipped`` says of which logs the list holds a key that no log may have."""

    logs: tuple[Log, ...]
    timestamp: datetime | None = None
    name: str = ""
    skipped: tuple[str, ...] = ()
    _by_id: Mapping[bytes, Log] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {log.log_id: log for log in self.logs})

    def by_id(self, log_id: bytes, at: datetime | None = None) -> Log | None:
        """The log with this id, or None; with ``at``, under the operator who ran it at that time."""
        log = self._by_id.get(log_id)
        return log if log is None or at is None else replace(log, operator=log.operator_at(at))

    @property
    def operators(self) -> tuple[str, ...]:
        """Who runs logs of this list, in its order."""
        return tuple(dict.fromkeys(log.operator for log in self.logs))
