"""A small PKI for tests: certificates with any fault wanted, CRLs, OCSP responses and SCTs, of any algorithm.

Built with asn1crypto and cryptography's extension encoders, so that what is parsed was not written by the
parser's own hand; signed with our keys, since no other library at hand signs SM2.
"""

import datetime as dt
import hashlib
import itertools
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
from asn1crypto import algos, core, crl, keys, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from verifier.algorithms import KeyAlgorithm, PrivateKey, SignatureScheme
from verifier.certificates import Certificate
from verifier.transparency.entries import PrecertEntry, X509Entry
from verifier.transparency.log_list import Log, LogList
from verifier.transparency.sct import SignedCertificateTimestamp, encode_sct_list
from verifier.transparency.verify import sign_sct

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
CA_USAGE = ("key_cert_sign", "crl_sign")
LEAF_USAGE = ("digital_signature",)
_SERIALS = itertools.count(0x1000)
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A certificate and the key it is for."""

    certificate: Certificate
    key: PrivateKey

    @property
    def name(self) -> bytes:
        return self.certificate.subject_der


@dataclass(frozen=True)
class Raw:
    """An extension given as bytes."""

    oid: str
    value: bytes
    critical: bool = False


@dataclass
class Pki:
    """Makes things. Everything has a default, so that a test names only what matters to it."""

    now: dt.datetime = NOW
    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA
    _keys: dict[str, PrivateKey] = field(default_factory=dict)

    def key(self, name: str, algorithm: KeyAlgorithm | None = None) -> PrivateKey:
        """The same key for the same name: making keys takes time."""
        algorithm = algorithm or self.algorithm
        return self._keys.setdefault(f"{algorithm}/{name}", PrivateKey.generate(algorithm))

    def name(self, common_name: str, organisation: str = "Test") -> x509.Name:
        return x509.Name([
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ])

    def root(self, common_name: str = "Root", **given) -> Made:
        return self.certificate(common_name, None, **{**_CA, **given})

    def intermediate(self, issuer: Made, common_name: str = "Issuing CA", **given) -> Made:
        return self.certificate(common_name, issuer, **{**_CA, "path_length": 0, **given})

    def leaf(self, issuer: Made, *dns: str, **given) -> Made:
        names = dns or ("www.example.test",)
        defaults = {"key_usage": LEAF_USAGE, "eku": (SERVER_AUTH,), "dns": names}
        return self.certificate(names[0], issuer, **{**defaults, **given})

    def certificate(
        self,
        common_name: str,
        issuer: Made | None,
        *,
        key: PrivateKey | None = None,
        signing_key: PrivateKey | None = None,
        scheme: SignatureScheme | None = None,
        ca: bool | None = None,
        path_length: int | None = None,
        key_usage: Sequence[str] = (),
        eku: Sequence[x509.ObjectIdentifier] = (),
        dns: Sequence[str] = (),
        ips: Sequence[str] = (),
        organisation: str = "Test",
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        serial: int | None = None,
        extra: Iterable[x509.ExtensionType | Raw] = (),
        with_key_ids: bool = True,
        damage: Callable[[bytes], bytes] = lambda signature: signature,
    ) -> Made:
        key = key or self.key(common_name)
        signer = signing_key or (issuer.key if issuer else key)
        subject = self.name(common_name, organisation).public_bytes()
        extensions: list[tuple[x509.ExtensionType | Raw, bool]] = []
        if ca is not None:
            extensions.append((x509.BasicConstraints(ca=ca, path_length=path_length), True))
        if key_usage:
            extensions.append((x509.KeyUsage(**{u: u in key_usage for u in _USAGES}), True))
        if eku:
            extensions.append((x509.ExtendedKeyUsage(eku), False))
        if dns or ips:
            names = [*map(x509.DNSName, dns), *(x509.IPAddress(ip_address(ip)) for ip in ips)]
            extensions.append((x509.SubjectAlternativeName(names), False))
        if with_key_ids:
            extensions.append((x509.SubjectKeyIdentifier(key_id(key)), False))
            extensions.append((x509.AuthorityKeyIdentifier(key_id(signer), None, None), False))
        extensions.extend((value, value.critical if isinstance(value, Raw) else False) for value in extra)
        tbs = asn1_x509.TbsCertificate({
            "version": "v3",
            "serial_number": next(_SERIALS) if serial is None else serial,
            "signature": algorithm_of(signer, scheme),
            "issuer": asn1_x509.Name.load(issuer.name if issuer else subject),
            "validity": {
                "not_before": _asn1_time(not_before or self.now - 30 * DAY),
                "not_after": _asn1_time(not_after or self.now + 60 * DAY),
            },
            "subject": asn1_x509.Name.load(subject),
            "subject_public_key_info": keys.PublicKeyInfo.load(key.public_key.spki),
            "extensions": [_extension(value, critical) for value, critical in extensions],
        })
        der = asn1_x509.Certificate({
            "tbs_certificate": tbs,
            "signature_algorithm": algorithm_of(signer, scheme),
            "signature_value": damage(signer.sign(tbs.dump(), scheme)),
        }).dump()
        return Made(Certificate.parse(der), key)

    def crl(
        self,
        issuer: Made,
        revoked: dict[int, str | None] | None = None,
        *,
        this_update: dt.datetime | None = None,
        next_update: dt.datetime | None = None,
        extensions: Iterable[tuple[x509.ExtensionType | Raw, bool]] = (),
        entry_extensions: Iterable[tuple[x509.ExtensionType | Raw, bool]] = (),
        signing_key: PrivateKey | None = None,
        without_next_update: bool = False,
    ) -> bytes:
        signer = signing_key or issuer.key
        entries = [
            {
                "user_certificate": serial,
                "revocation_date": _asn1_time(self.now - DAY),
                "crl_entry_extensions": _entry_extensions(reason, entry_extensions),
            }
            for serial, reason in (revoked or {}).items()
        ]
        tbs = crl.TbsCertList({
            "version": "v2",
            "signature": algorithm_of(signer, None),
            "issuer": asn1_x509.Name.load(issuer.name),
            "this_update": _asn1_time(this_update or self.now - DAY),
            "next_update": None if without_next_update else _asn1_time(next_update or self.now + DAY),
            "revoked_certificates": entries or None,
            "crl_extensions": [
                _extension(value, critical, crl.TBSCertListExtension) for value, critical in extensions
            ] or None,
        })  # fmt: skip
        return crl.CertificateList({
            "tbs_cert_list": tbs,
            "signature_algorithm": algorithm_of(signer, None),
            "signature": signer.sign(tbs.dump()),
        }).dump()

    def ocsp(
        self,
        certificate: Certificate,
        issuer: Made,
        status: str = "good",
        *,
        responder: Made | None = None,
        signing_key: PrivateKey | None = None,
        certificates: Iterable[Made] = (),
        by_name: bool = False,
        hash_name: str = "sha1",
        serial: int | None = None,
        reason: str | None = "key_compromise",
        this_update: dt.datetime | None = None,
        next_update: dt.datetime | None = None,
        without_next_update: bool = False,
        single_extensions: Iterable[Raw] = (),
        damage: Callable[[bytes], bytes] = lambda signature: signature,
    ) -> bytes:
        signer = responder or issuer
        key = signing_key or signer.key

        def digest(data: bytes) -> bytes:
            return hashlib.new(hash_name, data).digest()

        revoked = {"revocation_time": self.now - DAY, "revocation_reason": reason}
        cert_status = {"good": core.Null(), "unknown": core.Null(), "revoked": revoked}[status]
        single = {
            "cert_id": {
                "hash_algorithm": {"algorithm": hash_name},
                "issuer_name_hash": digest(certificate.issuer_der),
                "issuer_key_hash": digest(key_bits(issuer.key)),
                "serial_number": certificate.serial if serial is None else serial,
            },
            "cert_status": ocsp.CertStatus(status, cert_status),
            "this_update": this_update or self.now - DAY,
            "next_update": None if without_next_update else next_update or self.now + DAY,
            "single_extensions": [
                {"extn_id": raw.oid, "critical": raw.critical, "extn_value": raw.value}
                for raw in single_extensions
            ] or None,
        }  # fmt: skip
        responder_id = (
            ocsp.ResponderId("by_name", asn1_x509.Name.load(signer.name))
            if by_name
            else ocsp.ResponderId("by_key", hashlib.sha1(key_bits(signer.key)).digest())  # noqa: S324 -- RFC 6960
        )
        tbs = ocsp.ResponseData({
            "responder_id": responder_id, "produced_at": self.now, "responses": [single],
        })  # fmt: skip
        basic = ocsp.BasicOCSPResponse({
            "tbs_response_data": tbs,
            "signature_algorithm": algorithm_of(key, None),
            "signature": damage(key.sign(tbs.dump())),
            "certs": [asn1_x509.Certificate.load(m.certificate.der) for m in certificates] or None,
        })
        return ocsp.OCSPResponse({
            "response_status": "successful",
            "response_bytes": {"response_type": "basic_ocsp_response", "response": basic},
        }).dump()

    def log(self, name: str, operator: str = "", algorithm: KeyAlgorithm | None = None, **given) -> "TestLog":
        key = self.key(f"log {name}", algorithm or KeyAlgorithm.ECDSA)
        public = key.public_key
        log = Log(
            public.key_id, public, name, operator or f"operator of {name}", url="https://log.test/", **given
        )
        return TestLog(key, log)

    def logged_leaf(self, issuer: Made, logs: Sequence["TestLog"], *dns: str, **given) -> Made:
        """A leaf with an SCT of each log embedded."""
        time = given.pop("sct_time", self.now - DAY)
        change = given.pop("change_scts", lambda scts: scts)
        serial = next(_SERIALS)
        given = {"serial": serial, "key": self.key(f"leaf {serial}"), **given}
        poison = Raw("1.3.6.1.4.1.11129.2.4.3", b"\x05\x00", critical=True)
        extra = tuple(given.pop("extra", ()))
        precertificate = self.leaf(issuer, *dns, **given, extra=(*extra, poison)).certificate
        entry = PrecertEntry(issuer.key.public_key.key_id, precertificate.precertificate_tbs)
        scts = change([log.sct(entry, time) for log in logs])
        encoded = core.OctetString(encode_sct_list(scts)).dump()
        return self.leaf(issuer, *dns, **given, extra=(*extra, Raw("1.3.6.1.4.1.11129.2.4.2", encoded)))


@dataclass(frozen=True)
class TestLog:
    """A log's key and how a log list names it."""

    __test__ = False
    key: PrivateKey
    log: Log

    def sct(self, entry: PrecertEntry | X509Entry, time: dt.datetime) -> SignedCertificateTimestamp:
        return sign_sct(entry, int(time.timestamp() * 1000), b"", self.key)


def log_list(*logs: TestLog, name: str = "own") -> LogList:
    return LogList(tuple(log.log for log in logs), name=name)


_CA = {"ca": True, "key_usage": CA_USAGE}


def key_bits(key: PrivateKey) -> bytes:
    return keys.PublicKeyInfo.load(key.public_key.spki)["public_key"].contents[1:]


def key_id(key: PrivateKey) -> bytes:
    return hashlib.sha1(key_bits(key)).digest()  # noqa: S324 -- RFC 5280 section 4.2.1.2, method 1


def algorithm_of(key: PrivateKey, scheme: SignatureScheme | None) -> algos.SignedDigestAlgorithm:
    oid = (scheme or key.public_key.default_scheme).oid
    parameters = core.Null() if key.public_key.algorithm is KeyAlgorithm.RSA else None
    return algos.SignedDigestAlgorithm({"algorithm": oid, "parameters": parameters})


def _asn1_time(moment: dt.datetime) -> asn1_x509.Time:
    return asn1_x509.Time({"utc_time": moment})


def _extension(value, critical, kind=asn1_x509.Extension):
    oid, encoded = (
        (value.oid, value.value)
        if isinstance(value, Raw)
        else (value.oid.dotted_string, value.public_bytes())
    )
    return kind({"extn_id": oid, "critical": critical, "extn_value": core.ParsableOctetString(encoded)})


def _entry_extensions(reason, extensions):
    given = list(extensions)
    if reason is not None:
        given.append((x509.CRLReason(x509.ReasonFlags(reason)), False))
    return [_extension(value, critical, crl.CRLEntryExtension) for value, critical in given] or None


@pytest.fixture(scope="session")
def ecc() -> Pki:
    return Pki(algorithm=KeyAlgorithm.ECDSA)


@pytest.fixture(scope="session")
def sm2() -> Pki:
    return Pki(algorithm=KeyAlgorithm.SM2)


@pytest.fixture(params=[KeyAlgorithm.ECDSA, KeyAlgorithm.SM2], ids=["ecc", "sm2"])
def pki(request: pytest.FixtureRequest, ecc: Pki, sm2: Pki) -> Pki:
    """Either PKI in turn."""
    return ecc if request.param is KeyAlgorithm.ECDSA else sm2


@pytest.fixture(scope="session")
def raw() -> type[Raw]:
    return Raw


@pytest.fixture(scope="session")
def list_of_logs() -> Callable[..., LogList]:
    return log_list


@pytest.fixture
def openssl_verify(tmp_path: Path) -> Callable[..., str]:
    """``openssl verify`` without its clock; returns "OK" or the reason.

    OpenSSL 3.0's command applies the SM2 identifier to the leaf alone, so an SM2 chain is verified link by
    link: each certificate against the next one as its anchor.
    """

    def run(leaf: Certificate, intermediates: Sequence[Certificate], anchors: Sequence[Certificate]) -> str:
        if leaf.public_key.algorithm is not KeyAlgorithm.SM2:
            return verify(leaf, intermediates, anchors, "-purpose", "sslserver")
        links = itertools.pairwise((leaf, *intermediates, *anchors))
        results = [
            verify(link, (), (above,), "-vfyopt", "distid:1234567812345678", "-partial_chain")
            for link, above in links
        ]
        return next((result for result in results if result != "OK"), "OK")

    def verify(leaf, intermediates, anchors, *options: str) -> str:
        files = {"leaf": [leaf], "chain": intermediates, "roots": anchors}
        for name, certificates in files.items():
            (tmp_path / f"{name}.pem").write_text("".join(c.pem for c in certificates))
        command = ["openssl", "verify", "-no_check_time", "-no-CApath", "-no-CAstore", *options]
        command += ["-CAfile", tmp_path / "roots.pem"]
        if intermediates:
            command += ["-untrusted", tmp_path / "chain.pem"]
        result = subprocess.run(
            [*command, tmp_path / "leaf.pem"], capture_output=True, text=True, check=False
        )
        if result.returncode == 0:
            return "OK"
        lines = (line for line in result.stderr.splitlines() if "lookup:" in line)
        return next(lines, result.stderr).partition("lookup:")[2].strip() or result.stderr

    return run
