"""Chains in the form that a public CA submits, and made-up ones of the same form in any number."""

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tlog.ct.admission import Admitted
from verifier.certificates import Certificate
from verifier.transparency.entries import PrecertEntry, X509Entry

_NOW = datetime.now(UTC).replace(microsecond=0)
_NAME = "host-{:09}.growth.example"


@dataclass(frozen=True)
class Ca:
    """An issuing CA below a root; P-256 throughout."""

    key: ec.EllipticCurvePrivateKey
    der: bytes
    root: bytes

    @classmethod
    def make(cls) -> "Ca":
        """A new CA under a new root."""
        above, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _ca("Growth Root", above.public_key(), above)
        return cls(key, _ca("Growth CA", key.public_key(), above), root)

    def chain(self, number: int, *, precertificate: bool) -> list[bytes]:
        """A new leaf with its issuer, as a CA submits it."""
        return [self._leaf(number, precertificate=precertificate), self.der]

    def _leaf(self, number: int, *, precertificate: bool) -> bytes:
        name, key = _NAME.format(number), ec.generate_private_key(ec.SECP256R1()).public_key()
        builder = _builder(name, "Growth CA", key, days=90)
        for extension, critical in _leaf_extensions(name, key, self.key.public_key()):
            builder = builder.add_extension(extension, critical)
        if precertificate:
            builder = builder.add_extension(x509.PrecertPoison(), critical=True)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def made_up(self) -> Iterator[Admitted]:
        """Entries without end, certificates and precertificates by turns, each new in all that is random.

        They are leaves of this CA with other names, serial numbers, keys and signatures, which nobody
        verifies: as long and as hard to compress as real ones.
        """
        final, precertificate = (self._leaf(0, precertificate=kind) for kind in (False, True))
        tbs = Certificate.parse(precertificate).precertificate_tbs
        key_hash, issuers = Certificate.parse(self.der).public_key.key_id, (self.der, self.root)
        finals, precertificates = _Made(final, [final]), _Made(precertificate, [precertificate, tbs])
        for number in itertools.count(1):
            if number % 2:
                (der,) = finals.other(number)
                yield Admitted(X509Entry(der), None, issuers, can_be_shed=False)
            else:
                der, tbs = precertificates.other(number)
                yield Admitted(PrecertEntry(key_hash, tbs), der, issuers, can_be_shed=False)


class _Made:
    """Texts that hold the random parts of one certificate, made again with other ones."""

    def __init__(self, der: bytes, texts: Sequence[bytes]) -> None:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
        serial = certificate.serial_number.to_bytes(20)
        self._name = _NAME.format(0).encode()
        self._random = [serial[1:], key[1:], identifier, certificate.signature[-30:]]
        self._pieces = [self._cut(text) for text in texts]

    def _cut(self, text: bytes) -> list[bytes]:
        parts = b"|".join(re.escape(part) for part in (self._name, *self._random))
        return re.split(b"(" + parts + b")", text)

    def other(self, number: int) -> list[bytes]:
        """The texts with another name and other random bytes."""
        new = {part: os.urandom(len(part)) for part in self._random}
        new[self._name] = _NAME.format(number).encode()
        return [b"".join([new.get(piece, piece) for piece in pieces]) for pieces in self._pieces]


def _leaf_extensions(
    name: str, key: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePublicKey
) -> list[tuple[x509.ExtensionType, bool]]:
    """What a public CA puts into a certificate for TLS servers."""
    address = x509.UniformResourceIdentifier("http://ca.growth.example/ca.der")
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, address)
    policy = x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)
    crl = x509.UniformResourceIdentifier("http://ca.growth.example/crl/37.crl")
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
        (x509.AuthorityInformationAccess([access]), False),
        (x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName(f"www.{name}")]), False),
        (x509.CertificatePolicies([policy]), False),
        (x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]), False),
    ]


def _ca(name: str, key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePrivateKey) -> bytes:
    builder = _builder(name, "Growth Root", key, days=3650).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _usage(**given: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: given.get(name, False) for name in names})


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    return (
        x509
        .CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(int.from_bytes(b"\x7f" + os.urandom(19)))
        .not_valid_before(_NOW - timedelta(hours=1))
        .not_valid_after(_NOW + timedelta(days=days))
    )
