"""Are the certificates seen in the logs revoked? Asked of the CRL that each certificate itself names.

A CRL is fetched once for all certificates that name it, verified with the issuer from their logged chain, and
used until it runs out. What could not be found out is stored as unknown, with the reason.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from monitor.errors import SourceError
from monitor.follower.fetch import Fetcher
from monitor.store import Revocations
from monitor.store.revocations import CrlRow
from monitor.values import RevocationState
from verifier.certificates import Certificate
from verifier.certificates.revocation import RevocationState as Status
from verifier.certificates.revocation import revocation_status
from verifier.errors import MalformedInput

MAX_CRL = 32 * 1024 * 1024
PAGE = 1000
RETRY_FAILED = timedelta(minutes=1)
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class _Item:
    """A stored certificate to look up."""

    row: int
    certificate: Certificate
    issuer: bytes


class RevocationChecker:
    """Keeps the revocation states fresh."""

    def __init__(self, revocations: Revocations, fetcher: Fetcher) -> None:
        self._revocations = revocations
        self._fetcher = fetcher

    def refresh(self, now: datetime, at_least_every: timedelta | None = None) -> int:
        """Look up what is not looked up yet or no longer fresh; returns how many certificates were."""
        return sum(self._refresh_url(url, now, at_least_every) for url in self._revocations.urls(now))

    def _refresh_url(self, url: str, now: datetime, at_least_every: timedelta | None) -> int:
        crl = self._crl(url, now, at_least_every)
        done, after = 0, 0
        while rows := self._revocations.certificates(url, now, crl.fetched_at, after, PAGE):
            states = self._states(crl, _items(rows), now)
            self._revocations.keep(states)
            done, after = done + len(states), rows[-1][0]
        return done

    def _crl(self, url: str, now: datetime, at_least_every: timedelta | None) -> CrlRow:
        """Return the CRL, fetched when there is none that still holds."""
        kept = self._revocations.crl(url)
        if kept is not None and now < _valid_until(kept, at_least_every):
            return kept
        try:
            der = self._fetch(url)
            crl = CrlRow(url, now, _next_update(der), der, "")
        except SourceError as error:
            still = kept.der if kept and kept.next_update and now < kept.next_update else None
            until = kept.next_update if kept and still else None
            crl = CrlRow(url, now, until, still, str(error))
        self._revocations.keep_crl(crl)
        return crl

    def _fetch(self, url: str) -> bytes:
        if not url.startswith(_SCHEMES):
            raise SourceError(f"{url}: only http and https are read")
        return self._fetcher.get(url, limit=MAX_CRL)

    def _states(
        self, crl: CrlRow, items: Sequence[_Item], now: datetime
    ) -> list[tuple[int, RevocationState]]:
        groups: dict[tuple[bytes, bool], list[_Item]] = defaultdict(list)
        for item in items:
            groups[item.issuer, item.certificate.is_ca].append(item)
        states: list[tuple[int, RevocationState]] = []
        for (issuer, _), group in groups.items():
            states += self._group_states(crl, issuer, group, now)
        return states

    def _group_states(
        self, crl: CrlRow, issuer: bytes, group: Sequence[_Item], now: datetime
    ) -> list[tuple[int, RevocationState]]:
        """One certificate's full check shows whether the CRL counts for all of the same issuer and kind."""
        der = self._revocations.authority(issuer)
        if crl.der is None or der is None:
            reason = crl.error if crl.der is None else "the issuer's certificate was not logged"
            unknown = RevocationState("unknown", now, None, "", crl.url, f"Not known: {reason}.")
            return [(item.row, unknown) for item in group]
        authority = Certificate.parse(der)
        first = _status(crl, group[0].certificate, authority, now)
        listed = _serials(crl.der) if first.status != "unknown" else frozenset()
        good = next((item for item in group if item.certificate.serial not in listed), group[0])
        common = first if good is group[0] else _status(crl, good.certificate, authority, now)
        return [
            (
                item.row,
                _status(crl, item.certificate, authority, now)
                if item.certificate.serial in listed
                else common,
            )
            for item in group
        ]


def _status(crl: CrlRow, certificate: Certificate, issuer: Certificate, now: datetime) -> RevocationState:
    found = revocation_status(certificate, issuer, ocsp=(), crls=(crl.der or b"",), now=now)
    if found.state is Status.UNKNOWN:
        return RevocationState("unknown", now, None, "", crl.url, "; ".join(found.reasons))
    detail = "On the issuer's list." if found.state is Status.REVOKED else "Not on the issuer's list."
    return RevocationState(found.state.value, now, found.revoked_at, found.reason, crl.url, detail)


def _items(rows: Sequence[tuple[int, bytes, bytes]]) -> list[_Item]:
    return [_Item(row, Certificate.parse(der), chain[:32]) for row, der, chain in rows]


def _valid_until(crl: CrlRow, at_least_every: timedelta | None) -> datetime:
    if crl.error or crl.next_update is None:
        return crl.fetched_at + min(RETRY_FAILED, at_least_every or RETRY_FAILED)
    return min(crl.next_update, crl.fetched_at + at_least_every) if at_least_every else crl.next_update


def _next_update(der: bytes) -> datetime | None:
    try:
        return x509.load_der_x509_crl(der).next_update_utc
    except (ValueError, TypeError):  # revocation_status says what is wrong with it
        return None


def _serials(der: bytes) -> frozenset[int]:
    try:
        return frozenset(entry.serial_number for entry in x509.load_der_x509_crl(der))
    except (ValueError, TypeError) as error:
        raise MalformedInput(f"CRL: {error}") from error
