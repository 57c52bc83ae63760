"""Issuing one set of certificates, in two phases with a lint in between.

For each certificate of the set, in this order:

1. plan: everything but the SCTs is fixed (RFC 5280 section 4)
2. lint a precertificate signed by a throw-away key
3. store the intent: from here on the serial number is accounted for
4. sign the precertificate; it must be the one that was linted (RFC 6962 section 3.1)
5. get SCTs and verify each
6. lint the final certificate signed by a throw-away key
7. compare: it differs from the precertificate by poison and SCT list only (RFC 6962 section 3.2)
8. sign it; it must be the one that was linted, and its signature must verify

Then the whole set is stored in one transaction. A failure closes the intents with its reason; a kill
leaves them open, and `IssuerStore.abandoned_intents` finds them. No certificate of a broken set is
listed as issued, and the serial numbers that were signed stay revocable.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from issuer.authority.requests import CertifiedKey, CertifiedSet, IssueRequest, SctSource, SubscriberKeys
from issuer.errors import IssuanceMismatch, RequestRefused
from issuer.hierarchy import CertificateAuthority, pointers, throwaway_key
from issuer.lints import Kind, LintTarget, lint
from issuer.lints.maximum_validity import maximum_validity
from issuer.names import canonical_names, permitted_names
from issuer.profiles import LEAF_PROFILES, AlgorithmProfile, LeafProfile
from issuer.settings import MAXIMUM_COMMON_NAME, AuthoritySettings
from issuer.store import Intent, IntentState, IssuerStore, StoredCertificate, serial_hex
from issuer.x509 import certificate as builder
from issuer.x509 import extensions, oids, signing
from verifier.algorithms import PublicKey, Signer
from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.transparency.entries import PrecertEntry
from verifier.transparency.sct import encode_sct_list

SECOND = dt.timedelta(seconds=1)
DEMO_WAIVERS = frozenset({"validity-backdated"})
NO_SCT_WAIVERS = frozenset({"poison-and-scts"})


@dataclass(frozen=True)
class Terms:
    """What all certificates of a set share."""

    pair: str
    profile: LeafProfile
    names: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    waived: frozenset[str]
    sct_source: SctSource | None
    now: dt.datetime


class Issuance:
    """The issuing half of an authority; holds no state of its own."""

    def __init__(
        self,
        cas: Mapping[str, CertificateAuthority],
        store: IssuerStore,
        settings: AuthoritySettings,
        logs: SctSource,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._cas = cas
        self._store = store
        self._settings = settings
        self._logs = logs
        self._clock = clock
        self._throwaway: dict[str, Signer] = {}

    def issue(self, request: IssueRequest, keys: SubscriberKeys) -> CertifiedSet:
        """Certify the keys for the names.

        :raises NameNotPermitted: for a name that is malformed or outside the CA's constraints.
        :raises RequestRefused: for an unknown profile, a validity that cannot be, a demo wish outside demo.
        :raises LintFailed: where a rule is broken, before the CA's key was used, or before delivery.
        :raises LogSubmissionFailed: where a log gave no valid SCT; nothing is then stored as issued.
        """
        terms = self._terms(request, keys)
        try:
            return self._issue_set(terms, keys)
        except Exception as error:  # whatever it was, the intents must not stay open; it is raised again
            self._store.fail_pair(terms.pair, str(error))
            raise

    def _terms(self, request: IssueRequest, keys: SubscriberKeys) -> Terms:
        profile = LEAF_PROFILES.get(request.profile)
        if profile is None:
            raise RequestRefused(
                f"unknown profile {request.profile!r}; there are: {', '.join(LEAF_PROFILES)}"
            )
        if request.is_demo and not self._settings.demo:
            raise RequestRefused(
                "times in the past, or missing or foreign SCTs, are for a demo authority only"
            )
        if request.include_scts and request.sct_source is None and not self._settings.logs:
            raise RequestRefused("no transparency log is configured, and no certificate is issued unlogged")
        if (keys.encryption is not None) is not request.tlcp:
            raise RequestRefused("an encryption key is given exactly when a TLCP set is asked for")
        now = self._clock()
        not_before, not_after = self._validity(request, profile, now)
        names = request.names
        for member in (profile.first, profile.second):
            names = canonical_names(names, permitted_names(self._cas[member.ca].certificate))
        waived = DEMO_WAIVERS if request.is_demo else frozenset()
        return Terms(
            pair=serial_hex(builder.new_serial()),
            profile=profile,
            names=names,
            not_before=not_before,
            not_after=not_after,
            waived=waived if request.include_scts else waived | NO_SCT_WAIVERS,
            sct_source=(request.sct_source or self._logs) if request.include_scts else None,
            now=now,
        )

    def _validity(
        self, request: IssueRequest, profile: LeafProfile, now: dt.datetime
    ) -> tuple[dt.datetime, dt.datetime]:
        """Return notBefore and notAfter, both inclusive, the same for the whole set."""
        start = request.not_before or now - self._settings.backdate
        not_before = start.astimezone(dt.UTC).replace(microsecond=0)
        wanted = request.validity
        if wanted is None:
            wanted = min(profile.validity, maximum_validity(not_before))
        if wanted < 2 * SECOND:
            raise RequestRefused(f"a validity of {wanted} is none")
        end = request.not_after or not_before + wanted - SECOND
        members = (profile.first, profile.second)
        latest = min(self._cas[member.ca].certificate.not_after for member in members)
        not_after = min(end.astimezone(dt.UTC).replace(microsecond=0), latest)
        if not_after <= not_before:
            raise RequestRefused(f"a certificate from {not_before} to {not_after} would never be valid")
        return not_before, not_after

    def _issue_set(self, terms: Terms, keys: SubscriberKeys) -> CertifiedSet:
        profile = terms.profile
        first = self._issue_one(terms, profile.first, keys.first, related=None)
        second = self._issue_one(terms, profile.second, keys.second, related=first)
        encryption = None
        if keys.encryption is not None:
            if profile.encryption is None:
                raise RequestRefused(f"profile {profile.name!r} has no encryption certificate")
            encryption = self._issue_one(terms, profile.encryption, keys.encryption, related=None)
        issued = [(profile.first, first), (profile.second, second)]
        if profile.encryption is not None and encryption is not None:
            issued.append((profile.encryption, encryption))
        self._store.add_set([self._stored(terms, member, one) for member, one in issued])
        certified = [self._certified(member, one) for member, one in issued]
        return CertifiedSet(terms.pair, certified[0], certified[1], certified[2] if encryption else None)

    def _issue_one(
        self, terms: Terms, member: AlgorithmProfile, key: PublicKey, *, related: Certificate | None
    ) -> Certificate:
        if key.algorithm is not member.key.algorithm:
            raise RequestRefused(
                f"the {member.label} certificate is for an {member.key.algorithm} key, not {key.algorithm}"
            )
        ca = self._cas[member.ca]
        plan = self._plan(terms, member, key, related)  # step 1
        if terms.sct_source is None:
            self._intend(terms, member, plan)
            return self._sign(terms, member, plan, precertificate=False)
        precertificate = self._sign(terms, member, plan.precertificate(), precertificate=True)  # steps 2 to 4
        entry = PrecertEntry(
            issuer_key_hash=ca.certificate.public_key.key_id, tbs=precertificate.precertificate_tbs
        )
        chain = (precertificate.der, ca.certificate.der, *(issuer.der for issuer in ca.issuers))
        scts = terms.sct_source(chain, entry)  # step 5
        return self._finish(terms, member, plan.final(encode_sct_list(scts)), precertificate)

    def _finish(
        self,
        terms: Terms,
        member: AlgorithmProfile,
        plan: builder.CertificatePlan,
        precertificate: Certificate,
    ) -> Certificate:
        compare_with_precertificate(precertificate.tbs, plan.tbs())  # step 7, before the key is used
        return self._sign(terms, member, plan, precertificate=False)  # steps 6 and 8

    def _plan(
        self, terms: Terms, member: AlgorithmProfile, key: PublicKey, related: Certificate | None
    ) -> builder.CertificatePlan:
        ca = self._cas[member.ca]
        common_name = next(iter(common_names(terms.names)), None)
        wanted = [
            extensions.basic_constraints(ca=False),
            extensions.key_usage(member.key_usage),
            extensions.extended_key_usage(terms.profile.extended_key_usage),
            extensions.subject_alt_name(terms.names, critical=common_name is None),
            extensions.subject_key_id(key.spki),
            extensions.authority_key_id(ca.certificate.public_key.spki),
            *pointers(ca.name, self._settings),
        ]
        if related is not None:
            wanted.append(extensions.related_certificate(related.der))
        return builder.CertificatePlan(
            serial=builder.new_serial(),
            subject=builder.name(common_name=common_name),
            issuer=ca.certificate.subject_der,
            not_before=terms.not_before,
            not_after=terms.not_after,
            spki=key.spki,
            scheme=signing.scheme_of(ca.signer),
            extensions=tuple(wanted),
        )

    def _sign(
        self, terms: Terms, member: AlgorithmProfile, plan: builder.CertificatePlan, *, precertificate: bool
    ) -> Certificate:
        """Lint a throw-away copy, sign, and hold the result against what was linted."""
        ca = self._cas[member.ca]
        trial = self._checked(terms, member, self._trial(ca, plan), precertificate=precertificate)
        if precertificate:
            self._intend(terms, member, plan)
        certificate = self._checked(
            terms, member, builder.sign_certificate(plan, ca.signer), precertificate=precertificate
        )
        state = IntentState.PRECERTIFICATE if precertificate else IntentState.CERTIFICATE
        self._store.advance_intent(serial_hex(plan.serial), state)
        if certificate.tbs != trial.tbs:
            raise IssuanceMismatch(f"{member.label}: what was signed is not what was linted")
        try:
            certificate.verify_signed_by(ca.certificate)
        except VerifierError as error:
            raise IssuanceMismatch(
                f"{member.label}: the CA's own signature does not verify: {error}"
            ) from error
        return certificate

    def _trial(self, ca: CertificateAuthority, plan: builder.CertificatePlan) -> bytes:
        signer = self._throwaway.setdefault(ca.name, throwaway_key(ca.signer))
        return builder.sign_certificate(plan, signer)

    def _checked(
        self, terms: Terms, member: AlgorithmProfile, der: bytes, *, precertificate: bool
    ) -> Certificate:
        try:
            parsed = Certificate.parse(der)
        except VerifierError as error:
            raise IssuanceMismatch(f"{member.label}: what was built does not parse: {error}") from error
        issuer = self._cas[member.ca].certificate
        target = LintTarget(parsed, issuer, Kind.LEAF, member.key_usage, terms.now, precertificate)
        lint(target, waived=terms.waived)
        return parsed

    def _intend(self, terms: Terms, member: AlgorithmProfile, plan: builder.CertificatePlan) -> None:
        intent = Intent(
            serial=serial_hex(plan.serial),
            ca=member.ca,
            pair=terms.pair,
            label=member.label,
            names=terms.names,
            state=IntentState.INTENDED,
            detail="",
            created_at=terms.now,
        )
        self._store.add_intent(intent, plan.tbs(), plan.not_after)

    def _stored(self, terms: Terms, member: AlgorithmProfile, certificate: Certificate) -> StoredCertificate:
        return StoredCertificate(
            serial=serial_hex(certificate.serial),
            ca=member.ca,
            pair=terms.pair,
            label=member.label,
            profile=terms.profile.name,
            names=terms.names,
            der=certificate.der,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            issued_at=self._clock(),
        )

    def _certified(self, member: AlgorithmProfile, certificate: Certificate) -> CertifiedKey:
        ca = self._cas[member.ca]
        return CertifiedKey(certificate, (ca.certificate, *ca.issuers))


def common_names(names: tuple[str, ...]) -> list[str]:
    """Return the names fit for commonName: DNS names that are not too long.

    An address is none of them: OpenSSL would hold it against the DNS name constraints.
    """
    return [
        name
        for name in names
        if len(name) <= MAXIMUM_COMMON_NAME and extensions.general_name(name).name == "dns_name"
    ]


def compare_with_precertificate(precertificate_tbs: bytes, final_tbs: bytes) -> None:
    """RFC 6962 section 3.2: without poison and SCT list, the two are the same octets.

    :raises IssuanceMismatch: where anything else differs.
    """
    stripped = builder.tbs_without(precertificate_tbs, (oids.POISON,))
    if stripped != builder.tbs_without(final_tbs, (oids.SCT_LIST,)):
        raise IssuanceMismatch("the certificate differs from its precertificate by more than poison and SCTs")
