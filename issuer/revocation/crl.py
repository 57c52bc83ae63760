"""Publishing each CA's list: data/crl/<ca>.crl, DER."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from issuer.hierarchy import CertificateAuthority
from issuer.revocation.reasons import RevocationReason
from issuer.settings import AuthoritySettings
from issuer.store import IssuerStore
from issuer.x509.crl import CrlPlan, RevokedEntry, sign_crl
from keys.files import replace_file

# RFC 5280 section 3.3: an entry stays until it was on one list after its certificate expired.
KEPT_AFTER_EXPIRY = dt.timedelta(days=8)
REPUBLISH_FRACTION = 2  # a list is due when half of its lifetime is over


class CrlPublisher:
    """Signs and writes the lists. Safe to run from several processes: the highest number stays."""

    def __init__(
        self,
        directory: Path,
        cas: Mapping[str, CertificateAuthority],
        store: IssuerStore,
        settings: AuthoritySettings,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._directory = directory
        self._cas = cas
        self._store = store
        self._lifetime = settings.crl_lifetime
        self._clock = clock

    def path(self, ca: str) -> Path:
        return self._directory / f"{ca}.crl"

    def publish(self, cas: Iterable[str] | None = None) -> tuple[Path, ...]:
        """Write the lists of these CAs, or of all, whether due or not. Return their paths."""
        return tuple(self._publish(self._cas[name]) for name in (self._cas if cas is None else cas))

    def publish_due(self) -> tuple[Path, ...]:
        """Write the lists that are missing or past half of their lifetime: what a scheduler calls."""
        return self.publish([name for name in self._cas if self._is_due(name)])

    def _is_due(self, ca: str) -> bool:
        next_update = self._store.crl_next_update(ca)
        if next_update is None or not self.path(ca).exists():
            return True
        return self._clock() >= next_update - self._lifetime / REPUBLISH_FRACTION

    def _publish(self, ca: CertificateAuthority) -> Path:
        """Take a number, sign, put in place if no later list was.

        On disk when killed: before the rename the old list, still valid, and a gap in the numbers; the
        next run repairs it.
        """
        now = self._clock().replace(microsecond=0)
        next_update = now + self._lifetime
        number = self._store.next_crl_number(ca.name, next_update)
        entries = tuple(
            RevokedEntry(int(one.serial, 16), one.revoked_at, RevocationReason(one.reason).asn1_name)
            for one in self._store.revocations(ca.name, now - KEPT_AFTER_EXPIRY)
        )
        plan = CrlPlan(ca.certificate.subject_der, number, now, next_update, entries)
        der = sign_crl(plan, ca.signer)
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._store.newest_crl(ca.name, number) as newest:
            if newest:
                replace_file(self.path(ca.name), der)
        return self.path(ca.name)
