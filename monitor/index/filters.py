"""What narrows a search: validity, revocation, issuer, log, when a certificate expires or was first seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from monitor.errors import QueryError

EXPIRED, REVOKED = "expired", "revoked"
REVOCATIONS = ("good", "revoked", "unknown", "not-checked")
_MOMENTS = ("at", "expires_from", "expires_until", "seen_from", "seen_until")
_DAY = 10  # characters of a date without a time


class Validity(StrEnum):
    """Where a moment lies in a certificate's validity (RFC 5280 section 4.1.2.5)."""

    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"


@dataclass(frozen=True, slots=True)
class Filters:
    """All must hold; what is left out filters nothing. The windows include both their ends."""

    exclude: frozenset[str] = frozenset()
    """EXPIRED, REVOKED or both."""
    validity: Validity | None = None
    at: datetime | None = None
    """The moment that ``validity`` and EXPIRED are about; None is now."""
    revocation: str = ""
    """One of REVOCATIONS."""
    expires_from: datetime | None = None
    expires_until: datetime | None = None
    seen_from: datetime | None = None
    seen_until: datetime | None = None
    issuer: str = ""
    """A part of the issuer's name, or the SHA-256 of its certificate or key in hexadecimal."""
    log: str = ""
    """The name of a log that has the certificate or its precertificate as an entry."""

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> "Filters":
        """Read filters as a query string has them. Raises QueryError, which begins with the field's name."""
        exclude = frozenset(filter(None, map(str.strip, values.get("exclude", "").split(","))))
        if not exclude <= {EXPIRED, REVOKED}:
            raise QueryError(f"exclude: expected {EXPIRED}, {REVOKED} or both with a comma between them")
        revocation = values.get("revocation", "")
        if revocation not in {"", *REVOCATIONS}:
            raise QueryError(f"revocation: expected one of {', '.join(REVOCATIONS)}")
        return cls(
            exclude,
            _validity(values.get("validity", "")),
            revocation=revocation,
            issuer=values.get("issuer", "").strip(),
            log=values.get("log", "").strip(),
            **{field: _moment(field, text) for field in _MOMENTS if (text := values.get(field, ""))},
        )

    def to_parameters(self) -> dict[str, str]:
        """Return the query string's parameters, only those that are given; ``parse`` reads them."""
        moments = {field: value.isoformat() for field in _MOMENTS if (value := getattr(self, field))}
        given = {
            "exclude": ",".join(sorted(self.exclude)),
            "validity": self.validity or "",
            "revocation": self.revocation,
            "issuer": self.issuer,
            "log": self.log,
            **moments,
        }
        return {field: str(value) for field, value in given.items() if value}


def _validity(text: str) -> Validity | None:
    try:
        return Validity(text) if text else None
    except ValueError:
        raise QueryError(f"validity: expected one of {', '.join(Validity)}") from None


def _moment(field: str, text: str) -> datetime:
    """Read a date or a moment, in UTC where it names no zone; a day as an end lasts until it is over."""
    try:
        if len(text) > _DAY:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        moment = datetime.combine(date.fromisoformat(text), time(), UTC)
        return moment + timedelta(days=1, milliseconds=-1) if field.endswith("_until") else moment
    except (ValueError, OverflowError):
        raise QueryError(
            f"{field}: expected a date such as 2026-11-24, or a moment such as 2026-11-24T12:00:00Z"
        ) from None
