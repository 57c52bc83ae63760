"""Values of this package."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.tree_head import SignedTreeHead

AVAILABILITY_LINE = 0.99  # per endpoint over 90 days: what the browsers' log policies ask


@dataclass(frozen=True, slots=True)
class EndpointAvailability:
    """How one endpoint of a log answered; ``seconds`` is the sum of the times of its good answers."""

    endpoint: str
    ok: int
    failed: int
    seconds: float
    since: datetime

    @property
    def ratio(self) -> float:
        """The part of all questions that were answered; 1.0 where none was asked."""
        asked = self.ok + self.failed
        return self.ok / asked if asked else 1.0

    @property
    def meets(self) -> bool:
        """Whether that is at least 99 %."""
        return self.ratio >= AVAILABILITY_LINE

    @property
    def latency(self) -> float | None:
        """The mean time of a good answer in seconds."""
        return self.seconds / self.ok if self.ok else None


@dataclass(frozen=True, slots=True)
class Following:
    """Where the follower stood when it last said so: entries read, the size it reads towards, entries/s."""

    position: int
    target: int
    rate: float
    left: float | None
    """Seconds until it is there, at that rate."""
    at: datetime

    @property
    def backlog(self) -> int:
        return max(0, self.target - self.position)


class PromiseState(IntEnum):
    """What became of an SCT; the numbers are those of the database."""

    WAITING = 0
    BROKEN = 1
    FORGED = 2
    """The log did not sign it: not the log's promise."""
    KEPT = 3
    """Counted, and not stored any more."""


class SeenState(StrEnum):
    """What is known about a head that somebody else was shown."""

    OPEN = "open"
    AGREES = "agrees"
    CONFLICTS = "conflicts"
    FORGED = "forged"
    """The log's key did not sign it: nobody is accused by it."""


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head that ``observer`` was shown: a proxy, a witness, another vantage."""

    id: int
    head: SignedTreeHead
    observer: str
    seen_at: datetime
    state: SeenState = SeenState.OPEN


@dataclass(frozen=True, slots=True)
class Promise:
    """An SCT of a followed log, with the certificate and issuer that it is for. Not verified."""

    log: int
    leaf_hash: bytes
    sct: SignedCertificateTimestamp
    certificate: bytes
    issuer: bytes
    kind: str
    """``embedded`` in the certificate, or ``delivered`` beside it."""
    source: str
    """Where it was seen: the name of a log, or ``report``."""
    state: PromiseState = PromiseState.WAITING


@dataclass(frozen=True, slots=True)
class PromiseTally:
    """How the SCTs of a log fared that were seen so far."""

    kept: int
    broken: int
    waiting: int
    """Not due yet, or not judged yet."""


@dataclass(frozen=True, slots=True)
class Checked:
    """In how many of the known certificates the SCTs of a log were looked for, and how they fared."""

    position: int
    certificates: int
    tally: PromiseTally
