"""What a log takes: the rules for a submitted chain (RFC 6962 sections 3.1, 4.1 and 4.2)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Final

from tlog.ct.errors import SubmissionRefused
from tlog.ct.precertificate import is_signing_certificate, tbs_of_final_issuer
from tlog.ct.recent import Recent
from tlog.ct.roots import AcceptedRoots
from tlog.ct.settings import LogSettings
from tlog.ct.usages import ANY_USAGE, usage_names
from verifier.certificates import Certificate
from verifier.certificates.path import Purpose, build_path
from verifier.errors import InvalidSignature, MalformedInput, PathInvalid, UnsupportedAlgorithm, VerifierError
from verifier.transparency.entries import Entry, PrecertEntry, X509Entry

MAX_CHAIN: Final = 10
"""Certificates in a submission; chains of public CAs have two to four."""

OLD_PRECERTIFICATE: Final = timedelta(hours=48)
"""A precertificate older than this is not waited for by anyone, so it is the first to be shed."""

_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True)
class Admitted:
    """A chain that the log takes. ``issuers`` lead from the leaf's issuer to the accepted root."""

    entry: Entry
    precertificate: bytes | None
    issuers: tuple[bytes, ...]
    can_be_shed: bool

    @property
    def key(self) -> bytes:
        """What makes two submissions the same: the entry, not the chain below which it came."""
        return hashlib.sha256(bytes([self.entry.entry_type]) + self.entry.encode()).digest()


class Admission:
    """Applies the rules of one log. Signatures of issuers that were checked once are remembered."""

    def __init__(self, roots: AcceptedRoots, settings: LogSettings) -> None:
        self._roots = roots
        self._settings = settings
        self._parsed = Recent[bytes, Certificate](_REMEMBERED)
        self._valid = Recent[tuple[bytes, ...], bool](_REMEMBERED)

    def admit(self, chain: Sequence[bytes], *, precertificate: bool, now: datetime) -> Admitted:
        """Check a submitted chain, leaf first; raises SubmissionRefused with one sentence.

        1. The chain has a sensible length and every part is strict DER.
        2. The leaf is what the endpoint takes: a precertificate with poison, or a certificate without.
        3. It ends within the log's temporal shard, and has a usage that the log takes.
        4. Each certificate is signed by the next, the last is or is signed by an accepted root, and the
           issuers form a valid path. Times are not looked at: expired certificates are worth logging too.
        5. A precertificate signing certificate issued a precertificate, and is followed by the real issuer.
        """
        leaf, above = self._parse(chain)
        _check_kind(leaf, precertificate=precertificate)
        self._check_shard(leaf)
        _check_usage(leaf, self._settings.eku)
        issuers = self._issuers(leaf, above)
        entry = self._entry(leaf, issuers, precertificate=precertificate)
        return Admitted(
            entry,
            leaf.der if precertificate else None,
            tuple(issuer.der for issuer in issuers),
            leaf.not_before < now - OLD_PRECERTIFICATE if precertificate else leaf.sct_list is not None,
        )

    def _parse(self, chain: Sequence[bytes]) -> tuple[Certificate, list[Certificate]]:
        if not chain:
            raise SubmissionRefused("the chain is empty; send the certificate and those above it")
        if len(chain) > MAX_CHAIN:
            raise SubmissionRefused(f"the chain has {len(chain)} certificates, at most {MAX_CHAIN} are taken")
        leaf = _parse_one(chain[0], 0)
        return leaf, [
            self._parsed.get(der, partial(_parse_one, der, at)) for at, der in enumerate(chain[1:], 1)
        ]

    def _check_shard(self, leaf: Certificate) -> None:
        settings = self._settings
        if not settings.takes(leaf.not_after):
            raise SubmissionRefused(
                f"the certificate ends {leaf.not_after:%Y-%m-%d %H:%M:%S} UTC, outside this log's interval: "
                f"certificates that end {_interval(settings)}"
            )

    def _issuers(self, leaf: Certificate, above: list[Certificate]) -> list[Certificate]:
        """Return the certificates above the leaf, the accepted root last."""
        last = above[-1] if above else leaf
        if last in self._roots.by_subject().get(last.subject_der, ()):
            if not above:
                raise SubmissionRefused(
                    "the certificate is an accepted root itself, which needs no log entry"
                )
            issuers = above
        else:
            issuers = [*above, self._root_of(last, remember=bool(above))]
        self._check_issuers(issuers)
        if above:  # else the root was found by its signature on the leaf, which costs too much to check twice
            _check_signed(leaf, issuers[0])
        _check_may_issue(issuers[0])
        return issuers

    def _root_of(self, last: Certificate, *, remember: bool) -> Certificate:
        """Return the accepted root that signed ``last``; the same answer is not worked out twice for a CA."""
        candidates = self._roots.by_subject().get(last.issuer_der, ())
        for root in candidates:
            try:
                if remember:
                    self._valid.get((last.der, root.der), partial(_is_signed, last, root))
                else:
                    _is_signed(last, root)
            except VerifierError:
                continue
            return root
        raise SubmissionRefused(
            f"the chain ends with {_name(last)}, "
            + (
                "whose signature does not match the accepted root of that name"
                if candidates
                else f"whose issuer {last.issuer or 'without a name'} is not a root that this log accepts"
            )
        )

    def _check_issuers(self, issuers: list[Certificate]) -> None:
        """Check the path from the leaf's issuer to the root, once for each such path."""
        self._valid.get(tuple(issuer.der for issuer in issuers), partial(_is_valid_path, issuers))

    def _entry(self, leaf: Certificate, issuers: list[Certificate], *, precertificate: bool) -> Entry:
        signing = is_signing_certificate(issuers[0])
        if not precertificate:
            if signing:
                raise SubmissionRefused(
                    "a precertificate signing certificate issued this certificate, which it may never do"
                )
            return X509Entry(leaf.der)
        if not signing:
            return PrecertEntry(issuers[0].public_key.key_id, leaf.precertificate_tbs)
        if len(issuers) == 1:
            raise SubmissionRefused("the chain lacks the issuer of the precertificate signing certificate")
        try:
            return PrecertEntry(issuers[1].public_key.key_id, tbs_of_final_issuer(leaf, issuers[0]))
        except MalformedInput as error:
            raise SubmissionRefused(f"the precertificate cannot be read: {error}") from error


def _interval(settings: LogSettings) -> str:
    """Return a shard's interval in words; one that has neither end refuses nothing."""
    start, end = map(_moment, (settings.not_after_from, settings.not_after_until))
    if start and end:
        return f"from {start} until before {end}"
    return f"from {start} on" if start else f"before {end}"


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{moment.astimezone(UTC):{'%Y-%m-%d %H:%M:%S' if moment.second else '%Y-%m-%d %H:%M'}} UTC"


def _parse_one(der: bytes, at: int) -> Certificate:
    try:
        return Certificate.parse(der)
    except MalformedInput as error:
        raise SubmissionRefused(f"certificate {at} of the chain cannot be read: {error}") from error


def _check_kind(leaf: Certificate, *, precertificate: bool) -> None:
    if precertificate and not leaf.is_precertificate:
        raise SubmissionRefused("the certificate has no poison extension; send it to add-chain")
    if not precertificate and leaf.is_precertificate:
        raise SubmissionRefused(
            "the certificate is a precertificate (poison extension); send it to add-pre-chain"
        )
    if precertificate and leaf.sct_list is not None:
        raise SubmissionRefused(
            "the precertificate already has a list of SCTs, which only its certificate may have"
        )


def _check_usage(leaf: Certificate, accepted: Sequence[str]) -> None:
    """RFC 5280 section 4.2.1.12: a certificate that names no usage, or "any", is good for each of them."""
    usages = leaf.extended_key_usage
    if not accepted or not usages or ANY_USAGE in usages or not usages.isdisjoint(accepted):
        return
    raise SubmissionRefused(
        f"the certificate is for {usage_names(sorted(usages))}; this log expects the extended key usage "
        f"{usage_names(accepted)}"
    )


def _is_valid_path(issuers: list[Certificate]) -> bool:
    for at, (issued, issuer) in enumerate(pairwise(issuers), 1):
        if issued.issuer_der != issuer.subject_der:
            raise SubmissionRefused(
                f"the chain is not in order: certificate {at} ({_name(issued)}) is not issued by the next"
            )
    _check_path_lengths(issuers)
    try:
        path = build_path(issuers[0], issuers[1:-1], issuers[-1:], purpose=Purpose.ANY)
    except PathInvalid as error:
        raise SubmissionRefused(f"the issuers do not lead to the accepted root: {error}") from error
    if list(path.certificates) != issuers:
        raise SubmissionRefused("the chain holds certificates that do not belong to its path")
    return True


def _check_path_lengths(issuers: list[Certificate]) -> None:
    """RFC 5280 section 4.2.1.9, counted from the submitted leaf, which the path of its issuers leaves out."""
    below = 0
    for issuer in issuers:
        if issuer.path_length is not None and below > issuer.path_length:
            raise SubmissionRefused(
                f"{_name(issuer)} may have {issuer.path_length} CAs below it, the chain has {below}"
            )
        below += not issuer.self_issued


def _is_signed(certificate: Certificate, issuer: Certificate) -> bool:
    certificate.verify_signed_by(issuer)
    return True


def _check_signed(leaf: Certificate, issuer: Certificate) -> None:
    try:
        leaf.verify_signed_by(issuer)
    except InvalidSignature as error:
        raise SubmissionRefused(f"the certificate is not signed by {_name(issuer)}: {error}") from error
    except (PathInvalid, UnsupportedAlgorithm) as error:
        raise SubmissionRefused(
            f"the certificate cannot be checked against {_name(issuer)}: {error}"
        ) from error


def _check_may_issue(issuer: Certificate) -> None:
    """Check that the leaf's issuer is a CA (a root of version 1 cannot say so) with a key for it."""
    if not issuer.is_ca and not issuer.self_issued:
        raise SubmissionRefused(f"{_name(issuer)} issued the certificate but is no CA (basicConstraints)")
    if issuer.key_usage and "key_cert_sign" not in issuer.key_usage:
        raise SubmissionRefused(f"{_name(issuer)} issued the certificate but its key may not (keyUsage)")


def _name(certificate: Certificate) -> str:
    return certificate.display_name
