"""An X.509 certificate as a value: parsed once, strictly, everything touched (RFC 5280, RFC 6962).

cryptography's Rust parser does the ASN.1; it is lazy and knows no SM2 keys, so the fields are read here once
and for all, and the public key comes from the SubjectPublicKeyInfo bytes.
"""

import base64
import hashlib
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.utils import CryptographyDeprecationWarning

from verifier.algorithms import PublicKey, SignatureScheme
from verifier.certificates.distinguished import from_library, read_name
from verifier.certificates.extensions import read_extensions
from verifier.certificates.library import LIBRARY_ERRORS, refusal
from verifier.certificates.tbs import Extension, Tbs, split_tbs
from verifier.errors import InvalidSignature, MalformedInput, PathInvalid, UnsupportedAlgorithm, VerifierError

MAX_CERTIFICATE_SIZE: Final = 64 * 1024
"""Bytes; real certificates stay under 10 KiB."""
MAX_CHAIN_LENGTH: Final = 16
"""Certificates in one chain; the longest on the public web have five."""

_PEM_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----[ \t]*\r?\n([A-Za-z0-9+/=\r\n]*?)"
    rb"-----END CERTIFICATE-----[ \t]*\r?(?:\n|\Z)"
)
_PEM_BEGIN = re.compile(rb"-----BEGIN ")
_ISSUERS_REMEMBERED: Final = 256
_PEM_LINE = 64  # RFC 7468 section 2


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, made by ``parse``, ``from_pem`` or ``load_pem_chain``; equal when the DER is."""

    der: bytes = field(repr=False)
    tbs: bytes = field(compare=False, repr=False)
    serial: int = field(compare=False)
    subject: str = field(compare=False)
    common_name: str = field(compare=False)
    organisation: str = field(compare=False)
    issuer: str = field(compare=False)
    subject_der: bytes = field(compare=False, repr=False)
    issuer_der: bytes = field(compare=False, repr=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    public_key: PublicKey = field(compare=False, repr=False)
    signature_oid: str = field(compare=False)
    signature_scheme: SignatureScheme | None = field(compare=False)
    """None when it is one that this program never verifies (MD5, DSA...); ``signature_oid`` names it."""
    signature: bytes = field(compare=False, repr=False)
    dns_names: tuple[str, ...] = field(compare=False)
    ip_addresses: tuple[str, ...] = field(compare=False)
    email_addresses: tuple[str, ...] = field(compare=False)
    is_ca: bool = field(compare=False)
    path_length: int | None = field(compare=False)
    key_usage: frozenset[str] = field(compare=False)
    """RFC 5280 names in cryptography's spelling (``key_cert_sign``); empty where the extension is absent."""
    extended_key_usage: frozenset[str] = field(compare=False)
    """Dotted OIDs; empty where the extension is absent."""
    authority_key_id: bytes | None = field(compare=False)
    subject_key_id: bytes | None = field(compare=False)
    ocsp_urls: tuple[str, ...] = field(compare=False)
    issuer_urls: tuple[str, ...] = field(compare=False)
    crl_urls: tuple[str, ...] = field(compare=False)
    must_staple: bool = field(compare=False)
    sct_list: bytes | None = field(compare=False, repr=False)
    is_precertificate: bool = field(compare=False)
    precertificate_tbs: bytes = field(compare=False, repr=False)
    related_certificate: bytes | None = field(compare=False)
    extensions: tuple[Extension, ...] = field(compare=False, repr=False)
    other_names: tuple[str, ...] = field(compare=False)
    """URIs, and otherName values that are a text."""

    @classmethod
    def parse(cls, der: bytes) -> Self:
        """The certificate in ``der``, which must be one and nothing more. Raises MalformedInput."""
        if len(der) > MAX_CERTIFICATE_SIZE:
            raise MalformedInput(f"certificate: {len(der)} bytes, expected at most {MAX_CERTIFICATE_SIZE}")
        tbs = split_tbs(der)
        try:
            return cls._read(der, tbs, _load(der, tbs.serial))
        except MalformedInput:
            raise
        except VerifierError as error:
            raise MalformedInput(f"certificate: {error}") from error
        except LIBRARY_ERRORS as error:
            raise refusal("certificate", error) from error

    @classmethod
    def from_pem(cls, data: bytes | str) -> Self:
        """The one certificate in a PEM text. Raises MalformedInput, also when there are several."""
        chain = _pem_blocks(data)
        if len(chain) != 1:
            raise MalformedInput(f"PEM: expected one certificate, found {len(chain)}")
        return cls.parse(chain[0])

    @classmethod
    def _read(cls, der: bytes, tbs: Tbs, parsed: x509.Certificate) -> Self:
        oid = parsed.signature_algorithm_oid.dotted_string
        subject = read_name(tbs.subject) or from_library(parsed.subject)
        found = read_extensions(tbs.extensions)
        return cls(  # by position: thirty keywords would take as long as all the rest of this function
            der,
            tbs.whole,
            tbs.serial,
            subject.text,
            subject.common_name,
            subject.organisation,
            _issuer_text(_IssuerName(tbs.issuer, parsed)),
            tbs.subject,
            tbs.issuer,
            parsed.not_valid_before_utc,
            parsed.not_valid_after_utc,
            PublicKey.from_spki(tbs.spki),
            oid,
            _signature_scheme(parsed, oid),
            parsed.signature,
            found.dns_names,
            found.ip_addresses,
            found.email_addresses,
            found.is_ca,
            found.path_length,
            found.key_usage,
            found.extended_key_usage,
            found.authority_key_id,
            found.subject_key_id,
            found.ocsp_urls,
            found.issuer_urls,
            found.crl_urls,
            found.must_staple,
            tbs.sct_list,
            tbs.is_precertificate,
            tbs.without_transparency,
            tbs.related_certificate,
            tuple([one.extension for one in tbs.extensions]),
            found.other_names,
        )

    @property
    def pem(self) -> str:
        """PEM text with its final line end (RFC 7468 section 5)."""
        body = base64.b64encode(self.der).decode()
        lines = [body[start : start + _PEM_LINE] for start in range(0, len(body), _PEM_LINE)]
        return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the DER."""
        return hashlib.sha256(self.der).digest()

    @property
    def display_name(self) -> str:
        """How to name it in a sentence: its common name, else its first name, else its subject."""
        first = self.common_name or next(iter((*self.dns_names, *self.ip_addresses)), "")
        return first or self.subject or f"serial number {self.serial:x}"

    @property
    def self_issued(self) -> bool:
        """Subject and issuer are the same name (RFC 5280 section 3.2); says nothing of the signature."""
        return self.subject_der == self.issuer_der

    def verify_signed_by(self, issuer: "Certificate") -> None:
        """Check names and signature against ``issuer`` and nothing else: no CA bit, no time, no path.

        Raises InvalidSignature (wrong key or bytes), PathInvalid (the names differ) or UnsupportedAlgorithm.
        """
        if self.issuer_der != issuer.subject_der:
            raise PathInvalid(f"{self.display_name}: issued by {self.issuer}, not by {issuer.subject}")
        if self.signature_scheme is None:
            raise UnsupportedAlgorithm(f"{self.display_name}: signature algorithm {self.signature_oid}")
        try:
            issuer.public_key.verify(self.signature, self.tbs, self.signature_scheme)
        except InvalidSignature:
            raise InvalidSignature(f"{self.display_name}: not signed by {issuer.display_name}") from None


def load_pem_chain(data: bytes | str) -> tuple[Certificate, ...]:
    """Every certificate of a PEM file, in its order; at least one. Raises MalformedInput.

    Text between the blocks is allowed (RFC 7468 section 5.2), a damaged or foreign block is not.
    """
    blocks = _pem_blocks(data)
    if not blocks:
        raise MalformedInput("PEM: expected at least one certificate, found none")
    return tuple(_parse_block(number, der) for number, der in enumerate(blocks, 1))


def _parse_block(number: int, der: bytes) -> Certificate:
    try:
        return Certificate.parse(der)
    except MalformedInput as error:
        raise MalformedInput(f"PEM: block {number}: {error}") from error


def parse_chain(chain: Sequence[bytes]) -> tuple[Certificate, ...]:
    """The certificates a server sent, leaf first. Raises MalformedInput, also for none or too many."""
    if not 0 < len(chain) <= MAX_CHAIN_LENGTH:
        raise MalformedInput(f"chain: {len(chain)} certificates, expected 1 to {MAX_CHAIN_LENGTH}")
    return tuple(Certificate.parse(der) for der in chain)


def _pem_blocks(data: bytes | str) -> list[bytes]:
    text = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    found = list(_PEM_CERTIFICATE.finditer(text))
    whole = {block.start() for block in found}
    for number, begin in enumerate(_PEM_BEGIN.finditer(text), 1):
        if begin.start() not in whole:
            raise MalformedInput(f"PEM: block {number}: expected a whole CERTIFICATE block")
    if text.count(b"-----END ") != len(found):
        raise MalformedInput("PEM: expected whole CERTIFICATE blocks, found an END without its BEGIN")
    return [_decoded(number, block[1]) for number, block in enumerate(found, 1)]


def _decoded(number: int, body: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except ValueError as error:
        raise MalformedInput(f"PEM: block {number}: expected base64, {error}") from error


def _load(der: bytes, serial: int) -> x509.Certificate:
    """Mozilla ships roots with serial number 0, which the library warns of; anchors are compared whole."""
    if serial:
        return x509.load_der_x509_certificate(der)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_der_x509_certificate(der)


class _IssuerName:
    """An issuer's name, equal when its DER is; the certificate that has it reads it once."""

    __slots__ = ("_certificate", "_der")

    def __init__(self, der: bytes, certificate: x509.Certificate) -> None:
        self._der = der
        self._certificate: x509.Certificate | None = certificate

    def __hash__(self) -> int:
        return hash(self._der)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _IssuerName) and self._der == other._der

    def read(self) -> str:
        assert self._certificate is not None  # noqa: S101 -- asked once
        text = (read_name(self._der) or from_library(self._certificate.issuer)).text
        self._certificate = None  # a name that is remembered keeps no certificate
        return text


@lru_cache(_ISSUERS_REMEMBERED)
def _issuer_text(name: _IssuerName) -> str:
    """An issuer's name in words: most certificates share theirs with thousands of others."""
    return name.read()


def _signature_scheme(parsed: x509.Certificate, oid: str) -> SignatureScheme | None:
    if oid == x509.SignatureAlgorithmOID.RSASSA_PSS.dotted_string:
        return _scheme(oid, _pss_digest(parsed))
    return _scheme(oid, None)


@lru_cache(_ISSUERS_REMEMBERED)
def _scheme(oid: str, digest: str | None) -> SignatureScheme | None:
    try:
        return SignatureScheme.from_oid(oid, digest=digest)
    except UnsupportedAlgorithm:
        return None


def _pss_digest(parsed: x509.Certificate) -> str | None:
    """The hash of RSASSA-PSS parameters that are as TLS has them (RFC 8446 4.2.3), else None."""
    parameters, hashed = parsed.signature_algorithm_parameters, parsed.signature_hash_algorithm
    if not isinstance(parameters, padding.PSS) or hashed is None:
        return None
    same = parameters.mgf._algorithm.name == hashed.name  # noqa: SLF001 -- the library has no public name for it
    return hashed.name if same and parameters._salt_length == hashed.digest_size else None  # noqa: SLF001 -- as above
