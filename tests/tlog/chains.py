"""Certificates for submissions, made by the cryptography library and by the openssl command, never by us."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tlog.ct import CtLog, create_log
from tlog.pool import Limits
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate

QUICK = Limits(period=0.01)
NOW = datetime.now(UTC).replace(microsecond=0)
PRECERTIFICATE_SIGNING = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.4")
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
POISON = (x509.PrecertPoison(), True)
_LEAF_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Ca:
    """A CA: its name, key and own certificate."""

    name: str
    key: ec.EllipticCurvePrivateKey
    der: bytes
    above: tuple[bytes, ...] = ()
    """The certificates over its own, root left out."""
    anchor: bytes = b""
    """The root that it stands under."""

    @classmethod
    def root(cls, name: str = "Test Root", **options: Any) -> "Ca":
        key = ec.generate_private_key(ec.SECP256R1())
        der = certificate(name, name, key, key.public_key(), ca=True, **options)
        return cls(name, key, der, anchor=der)

    def intermediate(self, name: str = "Test CA", **options: Any) -> "Ca":
        """A CA below this one."""
        key = ec.generate_private_key(ec.SECP256R1())
        der = certificate(name, self.name, self.key, key.public_key(), ca=True, **options)
        above = () if self.der == self.anchor else (self.der, *self.above)
        return Ca(name, key, der, above, self.anchor)

    def issue(self, name: str = "www.example.test", **options: Any) -> bytes:
        """A leaf below this CA."""
        return certificate(name, self.name, self.key, _LEAF_KEY.public_key(), **options)

    def chain(
        self, name: str = "www.example.test", *, precertificate: bool = False, **options: Any
    ) -> list[bytes]:
        """A new leaf and the chain above it, as a submitter sends it."""
        extra = [*options.pop("extra", ()), *([POISON] if precertificate else [])]
        return [self.issue(name, extra=extra, **options), self.der, *self.above]


def certificate(
    subject: str,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    *,
    ca: bool = False,
    basic: bool = True,
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
    not_before: datetime = NOW - timedelta(hours=1),
    not_after: datetime = NOW + timedelta(days=90),
) -> bytes:
    """Return a certificate in DER; a leaf has its subject as DNS name."""
    builder = (
        x509
        .CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if basic:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True)
class OpensslCa:
    """A root and leaves made by the openssl command, with SM2 or P-256 keys."""

    directory: Path
    curve: str
    root: bytes

    @classmethod
    def make(cls, directory: Path, curve: str) -> "OpensslCa":
        directory.mkdir()
        _openssl(directory, "ecparam", "-name", curve, "-genkey", "-noout", "-out", "root.key")
        _openssl(
            directory, "req", "-x509", "-new", "-key", "root.key", "-subj", "/CN=openssl root", "-days", "30",
            "-outform", "DER", "-out", "root.der", *_signing(curve),
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip
        return cls(directory, curve, (directory / "root.der").read_bytes())

    def issue(self, name: str, *, precertificate: bool = False) -> bytes:
        """A leaf signed by the root."""
        extensions = f"subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:FALSE\n"
        extensions += "1.3.6.1.4.1.11129.2.4.3=critical,ASN1:NULL\n" if precertificate else ""
        (self.directory / "leaf.ext").write_text(extensions)
        _openssl(self.directory, "ecparam", "-name", self.curve, "-genkey", "-noout", "-out", "leaf.key")
        _openssl(
            self.directory, "req", "-new", "-key", "leaf.key", "-subj", f"/CN={name}", "-out", "leaf.csr",
            *_signing(self.curve),
        )  # fmt: skip
        verifying = ("-vfyopt", "distid:1234567812345678") if self.curve == "SM2" else ()
        _openssl(
            self.directory, "x509", "-req", "-in", "leaf.csr", "-CA", "root.der", "-CAform", "DER",
            "-CAkey", "root.key", "-CAcreateserial", "-days", "20", "-extfile", "leaf.ext",
            "-outform", "DER", "-out", "leaf.der", *_signing(self.curve), *verifying,
        )  # fmt: skip
        return (self.directory / "leaf.der").read_bytes()


def _signing(curve: str) -> tuple[str, ...]:
    return ("-sm3", "-sigopt", "distid:1234567812345678") if curve == "SM2" else ("-sha256",)


def _openssl(directory: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class OpenLogs:
    """Certificate logs below a directory, closed together at the end of a test."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._opened: list[CtLog] = []
        self.keys: dict[str, PrivateKey] = {}

    def create(self, name: str, roots: Sequence[bytes], **options: Any) -> CtLog:
        """A new log; one whose name begins with sm2 signs with SM2."""
        algorithm = KeyAlgorithm.SM2 if name.startswith("sm2") else KeyAlgorithm.ECDSA
        self.keys[name] = PrivateKey.generate(algorithm)
        create_log(
            self._directory / name, name=name, origin=f"logs.example.test/log/{name}",
            signer=self.keys[name], roots=[Certificate.parse(root) for root in roots], **options,
        )  # fmt: skip
        return self.open(name)

    def open(self, name: str, limits: Limits = QUICK, **options: Any) -> CtLog:
        """Start a log that was created before."""
        log = CtLog(self._directory / name, self.keys[name], limits=limits, **options)
        self._opened.append(log)
        return log

    def close(self) -> None:
        for log in self._opened:
            log.close()
