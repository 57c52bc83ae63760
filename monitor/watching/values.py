"""What watching knows, as values for the site, the command line and the channels."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitor.values import CertificateSummary

SILENT = timedelta(seconds=60)
"""A matcher that has not looked for this long is shown as silent."""


class Kind(StrEnum):
    """What a watch is compared with."""

    NAME = "name"
    SUBTREE = "subtree"
    ADDRESS = "address"
    ORGANISATION = "organisation"
    ISSUER = "issuer"
    EMAIL = "email"
    LOOKALIKE = "lookalike"


class Subject(StrEnum):
    """What a notice is about."""

    CERTIFICATE = "certificate"
    MALFORMED = "malformed-entry"
    LOG = "log-alert"
    TEST = "test"
    SYSTEM = "watching"


class Origin(StrEnum):
    """Who ordered a certificate, as far as is known. Only what is unknown raises an alert."""

    UNKNOWN = "unknown"
    OURS = "ours"
    AUTHORISED = "authorised"
    EXPIRED = "expired"  # had expired before its name was watched


class DeliveryState(StrEnum):
    """How far a notice got on one channel."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up; `mingjing watch retry` queues it again
    NOT_NEEDED = "not-needed"  # authorised before it was sent


@dataclass(frozen=True, slots=True)
class WatchedItem:
    """One line of the watchlist and what came of it."""

    id: int
    kind: Kind
    value: str
    since: datetime
    last_seen: datetime | None
    """The last match."""
    scanned: float
    """How much of the index was searched for past certificates, 0 to 1."""
    unknown: int
    """Certificates and entries that nobody has acknowledged yet."""
    ours: int
    authorised: int
    total: int

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "value": self.value,
            "since": self.since.isoformat(),
            "last_seen": _iso(self.last_seen),
            "scanned": round(self.scanned, 4),
            "unknown": self.unknown,
            "ours": self.ours,
            "authorised": self.authorised,
            "total": self.total,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote beside a notice."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on one channel."""

    channel: str
    state: DeliveryState
    attempts: int
    delivered_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the owner of a watched name, or the operator, may want to know. It stays for good."""

    id: int
    uid: str
    """``urn:uuid:…``; the same in every delivery and in the feed."""
    subject: Subject
    origin: Origin
    created_at: datetime
    kind: Kind | None
    value: str
    summary: str
    matched: tuple[str, ...]
    certificate: CertificateSummary | None
    log: str
    index: int | None
    alert: int | None
    code: str
    acknowledged_at: datetime | None
    notes: tuple[Note, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def open(self) -> bool:
        """Tell whether a person still has to look at it."""
        return self.origin is Origin.UNKNOWN and self.acknowledged_at is None

    def to_json(self) -> dict[str, Any]:
        """Return what a channel sends: it holds nothing that changes from one attempt to the next."""
        return {
            "notice": self.id,
            "id": self.uid,
            "subject": self.subject.value,
            "origin": self.origin.value,
            "created_at": self.created_at.isoformat(),
            "summary": self.summary,
            "watch": {"kind": self.kind.value, "value": self.value} if self.kind else None,
            "matched": list(self.matched),
            "certificate": self.certificate.to_json() if self.certificate else None,
            "log": self.log or None,
            "index": self.index,
            "alert": self.alert,
            "code": self.code or None,
        }

    def state_json(self) -> dict[str, Any]:
        """Return the same with what has become of it since."""
        return {
            **self.to_json(),
            "open": self.open,
            "acknowledged_at": _iso(self.acknowledged_at),
            "notes": [{"at": note.at.isoformat(), "text": note.text} for note in self.notes],
            "deliveries": [
                {
                    "channel": each.channel,
                    "state": each.state.value,
                    "attempts": each.attempts,
                    "delivered_at": _iso(each.delivered_at),
                    "error": each.error,
                }
                for each in self.deliveries
            ],
        }


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to tell somebody, and whether it works."""

    name: str
    kind: str
    since: datetime
    last_attempt: datetime | None
    last_success: datetime | None
    last_error: str
    retry_at: datetime | None
    pending: int
    dead: int

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "since": self.since.isoformat(),
            "last_attempt": _iso(self.last_attempt),
            "last_success": _iso(self.last_success),
            "last_error": self.last_error,
            "retry_at": _iso(self.retry_at),
            "pending": self.pending,
            "dead": self.dead,
        }


@dataclass(frozen=True, slots=True)
class WatchingState:
    """Watching at a glance."""

    public: bool
    """Whether the watchlist says that anybody may see what is watched."""
    error: str
    """Why the present watchlist.toml is refused; empty when it is in force."""
    loaded_at: datetime | None
    checked_at: datetime | None
    """When the matcher last looked."""
    working_since: datetime | None
    """Since when it has looked without a gap."""
    watches: tuple[WatchedItem, ...]
    channels: tuple[Channel, ...]
    open: int
    """Notices that a person still has to look at."""

    def working(self, now: datetime) -> bool:
        """Tell whether the matcher is at work."""
        return self.checked_at is not None and now - self.checked_at <= SILENT

    def to_json(self, now: datetime) -> dict[str, Any]:
        return {
            "working": self.working(now),
            "working_since": _iso(self.working_since),
            "checked_at": _iso(self.checked_at),
            "loaded_at": _iso(self.loaded_at),
            "error": self.error,
            "public": self.public,
            "open": self.open,
            "watches": [watch.to_json() for watch in self.watches],
            "channels": [channel.to_json() for channel in self.channels],
        }


@dataclass(frozen=True, slots=True)
class Beside:
    """The certificates of one watch, those that nobody here ordered beside our own."""

    ours: tuple[Notice, ...]
    authorised: tuple[Notice, ...]
    unknown: tuple[Notice, ...]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
