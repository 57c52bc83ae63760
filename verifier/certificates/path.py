"""From a leaf to an anchor: RFC 5280 section 6, by OpenSSL without its clock.

OpenSSL's strict mode is off: it asks even anchors for extensions that roots shipped by Mozilla lack.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from OpenSSL import crypto
from OpenSSL._util import lib as _lib  # pyOpenSSL has no public way to set a purpose

from verifier.certificates.certificate import Certificate
from verifier.errors import PathInvalid

_NO_CHECK_TIME: Final = (
    0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h; pyOpenSSL has no name for it
)

SERVER_AUTH_OID: Final = "1.3.6.1.5.5.7.3.1"
OCSP_SIGNING_OID: Final = "1.3.6.1.5.5.7.3.9"


MAX_INTERMEDIATES: Final = 64
"""Certificates to build a path from; it bounds the signatures that hostile input makes us check."""


class Purpose(StrEnum):
    """What the leaf is to be good for: extendedKeyUsage and keyUsage along the path (RFC 5280 4.2.1.12)."""

    SERVER_AUTH = "serverAuth"
    ANY = "any"


_OPENSSL_PURPOSES = {
    Purpose.SERVER_AUTH: _lib.X509_PURPOSE_SSL_SERVER,
    Purpose.ANY: _lib.X509_PURPOSE_ANY,
}


@dataclass(frozen=True, slots=True)
class Path:
    """A valid path, the leaf first and its anchor last; a leaf that is itself an anchor stands alone."""

    certificates: tuple[Certificate, ...]

    @property
    def leaf(self) -> Certificate:
        return self.certificates[0]

    @property
    def anchor(self) -> Certificate:
        return self.certificates[-1]

    @property
    def issuer(self) -> Certificate:
        """The direct issuer of the leaf; the leaf itself where it is its own anchor."""
        return self.certificates[min(1, len(self.certificates) - 1)]


def build_path(
    leaf: Certificate,
    intermediates: Iterable[Certificate],
    anchors: Iterable[Certificate],
    *,
    purpose: Purpose = Purpose.SERVER_AUTH,
    at: datetime | None = None,
) -> Path:
    """A path from ``leaf`` over ``intermediates`` to one of ``anchors``, which are self-signed roots.

    Signatures, names, CA and path length, keyUsage, extendedKeyUsage, name constraints and critical
    extensions are checked (RFC 5280 section 6.1); SM2 signatures use the default identifier. Policies are
    not, as in browsers; nor are strength of keys and hashes (see ``strength``) and revocation. Times are not
    either: ``at`` only says which of several paths to prefer, the caller compares ``Path.certificates``.

    Raises PathInvalid, with the certificate at fault in its text; also when there is no anchor at all.
    """
    roots, others = tuple(anchors), tuple(intermediates)
    if not roots:
        raise PathInvalid("no trust anchor was given, so nothing can be trusted")
    if len(others) > MAX_INTERMEDIATES:
        raise PathInvalid(f"{len(others)} intermediate certificates, expected at most {MAX_INTERMEDIATES}")
    candidates = _possible_anchors((leaf, *others), roots)
    if at is not None:
        try:
            return _verify(leaf, others, candidates, purpose, at)
        except PathInvalid:
            pass  # perhaps only for its times: the caller is to see the path and say which one is over
    return _verify(leaf, others, candidates, purpose, None)


def _possible_anchors(
    chain: Sequence[Certificate], anchors: Sequence[Certificate]
) -> tuple[Certificate, ...]:
    """The anchors that could end a path: a store of all would be built anew for each judgement.

    Names are compared as text without case, coarser than RFC 5280 section 7.1, so that none is lost;
    OpenSSL then compares exactly.
    """
    wanted = {_coarse(certificate.issuer) for certificate in chain}
    return tuple(anchor for anchor in anchors if _coarse(anchor.subject) in wanted)


def _coarse(name: str) -> str:
    return "".join(name.casefold().split())


def _verify(
    leaf: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Sequence[Certificate],
    purpose: Purpose,
    at: datetime | None,
) -> Path:
    store = crypto.X509Store()
    if at is None:
        store.set_flags(_NO_CHECK_TIME)
    else:
        store.set_time(at)
    _lib.X509_STORE_set_purpose(store._store, _OPENSSL_PURPOSES[purpose])  # noqa: SLF001 -- no public way
    for anchor in anchors:
        store.add_cert(_openssl(anchor))
    untrusted = [_openssl(certificate) for certificate in intermediates]
    try:
        context = crypto.X509StoreContext(store, _openssl(leaf), untrusted)
        chain = context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        raise PathInvalid(f"{_name(error.certificate)}: {error}") from error
    except crypto.Error as error:
        raise PathInvalid(f"{leaf.display_name}: OpenSSL could not check its path: {error}") from error
    by_der = {certificate.der: certificate for certificate in (*anchors, *intermediates, leaf)}
    return Path(tuple(by_der[_der(certificate)] for certificate in chain))


def _openssl(certificate: Certificate) -> crypto.X509:
    return crypto.load_certificate(crypto.FILETYPE_ASN1, certificate.der)


def _der(certificate: crypto.X509) -> bytes:
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


def _name(certificate: crypto.X509) -> str:
    return Certificate.parse(_der(certificate)).display_name
