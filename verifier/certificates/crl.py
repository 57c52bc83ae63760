"""Certificate revocation lists (RFC 5280 sections 5 and 6.3), complete ones from the issuer itself."""

from datetime import datetime
from typing import Final

from cryptography import x509

from verifier.algorithms import SignatureScheme
from verifier.certificates.certificate import Certificate
from verifier.certificates.library import LIBRARY_ERRORS
from verifier.certificates.reasons import REMOVE_FROM_CRL, Answer, RevocationUnusable, check_times
from verifier.errors import InvalidSignature, MalformedInput

MAX_CRL_SIZE: Final = 32 * 1024 * 1024
"""Bytes; the largest public lists are under 10 MiB."""

_KNOWN_EXTENSIONS = (x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier, x509.CRLNumber)


def check_crl(data: bytes, certificate: Certificate, issuer: Certificate, now: datetime) -> Answer:
    """What the list in ``data`` says of ``certificate``, once everything about it holds (section 6.3.3).

    1. The list is the issuer's own: same name, not indirect.
    2. Its scope has this certificate in it (issuingDistributionPoint), it is complete and not a delta.
    3. Its signature is the issuer's, who may sign lists (keyUsage cRLSign).
    4. It is recent: thisUpdate is past, nextUpdate is not.
    5. The serial number is on it or not; removeFromCRL takes it off again.

    Raises RevocationUnusable or another VerifierError with the reason why it says nothing.
    """
    crl = _load(data)
    if crl.issuer.public_bytes() != issuer.subject_der:
        raise RevocationUnusable(f"the CRL is another issuer's: {crl.issuer.rfc4514_string()}")
    partial = _check_scope(crl.extensions, certificate)
    _check_signature(crl, issuer)
    if crl.next_update_utc is None:
        raise RevocationUnusable("the CRL does not say when the next one is due (RFC 5280 section 5.1.2.5)")
    check_times("CRL", crl.last_update_utc, crl.next_update_utc, now)
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial)
    revoked_at, reason = _entry(entry)
    revoked = entry is not None and reason != REMOVE_FROM_CRL
    if partial and not revoked:
        raise RevocationUnusable("the CRL covers some reasons only, and the certificate is not on it")
    return Answer(revoked, revoked_at, reason, crl.last_update_utc, crl.next_update_utc)


def _load(data: bytes) -> x509.CertificateRevocationList:
    """The list, with what is read later already touched, as the library is lazy."""
    if len(data) > MAX_CRL_SIZE:
        raise MalformedInput(f"CRL: {len(data)} bytes, expected at most {MAX_CRL_SIZE}")
    try:
        crl = x509.load_der_x509_crl(data)
        for touched in (crl.issuer.rfc4514_string, crl.issuer.public_bytes):
            touched()
        _ = crl.extensions, crl.signature, crl.tbs_certlist_bytes, crl.last_update_utc, crl.next_update_utc
    except LIBRARY_ERRORS as error:
        raise MalformedInput(f"CRL: expected a CertificateList in DER, {error!r}") from error
    return crl


def _check_scope(extensions: x509.Extensions, certificate: Certificate) -> bool:
    """Whether the list covers some reasons only; one that does not cover the certificate is unusable."""
    point = None
    for extension in extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            point = extension.value
        elif isinstance(extension.value, x509.DeltaCRLIndicator):
            raise RevocationUnusable("the CRL is a delta, the complete one is missing")
        elif extension.critical and not isinstance(extension.value, _KNOWN_EXTENSIONS):
            raise RevocationUnusable(
                f"the CRL has an unknown critical extension {extension.oid.dotted_string}"
            )
    if point is None:
        return False
    if point.indirect_crl or point.only_contains_attribute_certs:
        raise RevocationUnusable("the CRL is for another kind of certificate, or indirect")
    if (certificate.is_ca and point.only_contains_user_certs) or (
        not certificate.is_ca and point.only_contains_ca_certs
    ):
        raise RevocationUnusable("the CRL is for another kind of certificate")
    _check_distribution_point(point, certificate)
    return point.only_some_reasons is not None


def _check_distribution_point(point: x509.IssuingDistributionPoint, certificate: Certificate) -> None:
    """A list split into parts says which it is: the certificate must point to that one (6.3.3 (b) (2))."""
    if point.relative_name is not None:
        raise RevocationUnusable("the CRL's distribution point is a relative name, which is not supported")
    if point.full_name is None:
        return
    urls = {name.value for name in point.full_name if isinstance(name, x509.UniformResourceIdentifier)}
    if not urls & set(certificate.crl_urls):
        raise RevocationUnusable("the CRL is of another distribution point than the certificate's")


def _check_signature(crl: x509.CertificateRevocationList, issuer: Certificate) -> None:
    if issuer.key_usage and "crl_sign" not in issuer.key_usage:
        raise RevocationUnusable(f"{issuer.display_name} may not sign CRLs (keyUsage)")
    scheme = SignatureScheme.from_oid(crl.signature_algorithm_oid.dotted_string)
    try:
        issuer.public_key.verify(crl.signature, crl.tbs_certlist_bytes, scheme)
    except InvalidSignature as error:
        raise RevocationUnusable(f"the CRL is not signed by {issuer.display_name}") from error


def _entry(entry: x509.RevokedCertificate | None) -> tuple[datetime | None, str]:
    if entry is None:
        return None, ""
    try:
        found = {type(extension.value): extension.value for extension in entry.extensions}
    except LIBRARY_ERRORS as error:
        raise MalformedInput(f"CRL entry: expected extensions of RFC 5280 section 5.3, {error!r}") from error
    if x509.CertificateIssuer in found:
        raise RevocationUnusable("the CRL has entries of other issuers")
    reason = found.get(x509.CRLReason)
    named = reason.reason.value if isinstance(reason, x509.CRLReason) else "unspecified"
    return entry.revocation_date_utc, named
