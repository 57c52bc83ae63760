"""The authority as its callers see it: the command line, the web faces, the scheduler."""

import datetime as dt
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from issuer.authority.delivery import check_directory, write_dual
from issuer.authority.issuance import Issuance
from issuer.authority.requests import (
    CertifiedKey,
    CertifiedSet,
    DualCertificate,
    IssuedCertificate,
    IssueRequest,
    SctSource,
    SubscriberKeys,
)
from issuer.authority.submission import LogClient
from issuer.errors import LogSubmissionFailed, RequestRefused, UnknownCertificate
from issuer.hierarchy import CertificateAuthority, create_hierarchy, load_hierarchy
from issuer.profiles import LEAF_PROFILES
from issuer.revocation.crl import CrlPublisher
from issuer.revocation.ocsp import OcspResponder
from issuer.revocation.reasons import RevocationReason
from issuer.settings import AuthoritySettings
from issuer.store import CertificateState, IssuerStore, Revocation, StoredCertificate, serial_hex
from keys import FileKeyStore
from verifier.algorithms import PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.entries import X509Entry

logger = logging.getLogger(__name__)

ABANDONED_AFTER = dt.timedelta(hours=1)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Authority:
    """An issuing authority on a data directory whose hierarchy exists.

    One object may be used from several threads, and several processes may open the same directory.
    """

    def __init__(
        self,
        data: Path,
        keys: FileKeyStore,
        store: IssuerStore,
        settings: AuthoritySettings,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Open the CAs that `create` made.

        :raises HierarchyError: where they were not made, or do not fit their keys.
        """
        self.settings = settings
        self.store = store
        self.cas: Mapping[str, CertificateAuthority] = load_hierarchy(keys, store)
        self.submit: SctSource = LogClient(
            settings.logs, settings.submission, clock=clock, promises=settings.promises
        )
        self.crls = CrlPublisher(data / "crl", self.cas, store, settings, clock)
        self.responders: Mapping[str, OcspResponder] = {
            name: OcspResponder(ca, store, settings, clock) for name, ca in self.cas.items()
        }
        self._clock = clock
        self._issuance = Issuance(self.cas, store, settings, self.submit, clock)

    @classmethod
    def create(
        cls,
        data: Path,
        keys: FileKeyStore,
        store: IssuerStore,
        settings: AuthoritySettings,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> Self:
        """Make what is missing of the hierarchy, its files and its lists; then open it."""
        create_hierarchy(data / "ca", keys, store, settings, clock())
        authority = cls(data, keys, store, settings, clock=clock)
        authority.crls.publish_due()
        return authority

    @property
    def roots(self) -> tuple[Certificate, ...]:
        return tuple(ca.certificate for ca in self.cas.values() if not ca.issuers)

    def issue(self, request: IssueRequest) -> DualCertificate:
        """Make the subscriber's keys and certify them. The keys are in the result and nowhere else.

        Raises what `certify` raises.
        """
        profile = LEAF_PROFILES.get(request.profile)
        if profile is None:
            raise RequestRefused(
                f"unknown profile {request.profile!r}; there are: {', '.join(LEAF_PROFILES)}"
            )
        if request.tlcp and profile.encryption is None:
            raise RequestRefused(f"profile {profile.name!r} has no encryption certificate")
        first, second = profile.first.key.generate(), profile.second.key.generate()
        encryption = profile.encryption.key.generate() if request.tlcp and profile.encryption else None
        public = None if encryption is None else encryption.public_key
        certified = self.certify(request, SubscriberKeys(first.public_key, second.public_key, public))
        return DualCertificate(
            pair=certified.pair,
            sm2=_with_key(certified.first, first),
            ecc=_with_key(certified.second, second),
            sm2_encryption=(
                _with_key(certified.encryption, encryption)
                if certified.encryption is not None and encryption is not None
                else None
            ),
        )

    def certify(self, request: IssueRequest, keys: SubscriberKeys) -> CertifiedSet:
        """Certify keys that the subscriber holds. See `Issuance.issue` for what it raises."""
        certified = self._issuance.issue(request, keys)
        if request.include_scts and request.sct_source is None:
            for one in (certified.first, certified.second, certified.encryption):
                self._show(one)
        return certified

    def _show(self, certified: CertifiedKey | None) -> None:
        """Give the logs the final certificate too, so that anyone can look up what a server really sends.

        Its promises stand in it already: a log that does not take it now costs nothing but this courtesy.
        """
        if certified is None:
            return
        chain = [one.der for one in (certified.certificate, *certified.issuers)]
        try:
            self.submit(chain, X509Entry(certified.certificate.der))
        except LogSubmissionFailed as error:
            logger.warning("a final certificate was not logged: %s", error)

    def issue_to(self, request: IssueRequest, directory: Path, *, force: bool = False) -> DualCertificate:
        """Issue and write, having made sure first that writing will be possible.

        :raises DeliveryError: before anything is issued, where files are in the way.
        """
        check_directory(directory, tlcp=request.tlcp, force=force)
        dual = self.issue(request)
        write_dual(dual, directory, force=force)
        return dual

    def certificates(self, state: CertificateState | None = None) -> tuple[StoredCertificate, ...]:
        """Return the unified list, newest first, all states or one."""
        now = self._clock()
        return tuple(one for one in self.store.certificates() if state is None or one.state(now) is state)

    def revoke(
        self,
        serial: str,
        reason: RevocationReason = RevocationReason.UNSPECIFIED,
        *,
        only: bool = False,
    ) -> tuple[Revocation, ...]:
        """Revoke the set that this serial number (hex) belongs to, or `only` that one; republish.

        OCSP answers accordingly as soon as this returns, and the lists are on disk.

        :raises UnknownCertificate: where nothing with this serial number was issued.
        """
        wanted = canonical_serial(serial)
        certificate = self.store.certificate(wanted)
        serials = [wanted]
        if certificate is not None and not only:
            serials = [one.serial for one in self.store.pair(certificate.pair)]
        revoked = self.store.revoke(serials, reason.value, self._clock())
        self.crls.publish(sorted({one.ca for one in revoked}))
        return revoked

    def publish_crls(self, *, only_due: bool = False) -> tuple[Path, ...]:
        """Write the lists anew; with `only_due` those that are missing or half through their lifetime."""
        return self.crls.publish_due() if only_due else self.crls.publish()

    def recover(self) -> int:
        """Close the intents that a killed process left open an hour ago or earlier. Return how many.

        Until then they are harmless: nothing lists them, their serial numbers are revocable.
        """
        abandoned = self.store.abandoned_intents(self._clock() - ABANDONED_AFTER)
        for pair in {intent.pair for intent in abandoned}:
            self.store.fail_pair(pair, "abandoned: the process that was issuing ended")
        return len(abandoned)


def canonical_serial(text: str) -> str:
    """Read hex as people write it: colons, spaces, upper case, 0x.

    :raises UnknownCertificate: for what is no serial number.
    """
    digits = re.sub(r"[:\s]", "", text).lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]{1,64}", digits):
        raise UnknownCertificate(f"{text[:80]!r} is no serial number in hex")
    return serial_hex(int(digits, 16))


def _with_key(certified: CertifiedKey, key: PrivateKey) -> IssuedCertificate:
    return IssuedCertificate(certified.certificate, certified.chain, key)
