"""Every extension in words; what is unknown or broken as a tree of its DER; nothing that crashes."""

import datetime as dt
from ipaddress import ip_address, ip_network

import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from verifier.certificates import Certificate
from web.public.models.der_tree import MOST, der_tree
from web.public.models.extension_names import EXTENSIONS
from web.public.models.extensions import _READERS, _shown, extensions_shown

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Every Extension")])
KEY = ec.derive_private_key(7, ec.SECP256R1())
URL = x509.UniformResourceIdentifier("https://ca.test/x")
OID = ObjectIdentifier


def certificate(*extensions: x509.ExtensionType) -> Certificate:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 7, start, start + dt.timedelta(days=9))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Certificate.parse(builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER))


def said(extension: x509.ExtensionType) -> list[str]:
    (shown,) = extensions_shown(certificate(extension))
    assert shown.oid == extension.oid.dotted_string
    assert all(line.chinese for line in shown.lines if hasattr(line, "chinese"))
    return [str(line) for line in shown.lines]


def raw(oid: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(OID(oid), value)


def usage(*names: str) -> x509.KeyUsage:
    known = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in names for name in known})


STANDARD = [
    (x509.SubjectKeyIdentifier(b"\1" * 20), ["01" * 20]),
    (
        x509.AuthorityKeyIdentifier(b"\2" * 20, [x509.DirectoryName(NAME)], 255),
        [
            "02" * 20,
            "of the certificate of directory name Common Name: Every Extension",
            "of the certificate with serial number ff",
        ],
    ),
    (
        usage("digital_signature", "key_agreement", "decipher_only"),
        ["digital signature", "key agreement", "decipher only"],
    ),
    (
        x509.SubjectAlternativeName([
            x509.DNSName("xn--fiq228c.test"),
            x509.RFC822Name("me@here.test"),
            x509.IPAddress(ip_address("2001:db8::1")),
            URL,
            x509.RegisteredID(OID("1.2.3")),
            x509.OtherName(OID("1.3.6.1.4.1.311.20.2.3"), core.UTF8String("me@corp").dump()),
            x509.OtherName(OID("1.2.3.4"), core.Integer(5).dump()),
        ]),
        [
            "DNS xn--fiq228c.test",
            "email me@here.test",
            "IP 2001:db8::1",
            "URI https://ca.test/x",
            "registered identifier 1.2.3",
            "other name, Microsoft user principal name: me@corp",
            "other name, 1.2.3.4: 020105",
        ],
    ),
    (x509.IssuerAlternativeName([URL]), ["URI https://ca.test/x"]),
    (x509.BasicConstraints(ca=False, path_length=None), ["not a CA"]),
    (x509.BasicConstraints(ca=True, path_length=0), ["a CA, with at most 0 CAs below it"]),
    (
        x509.NameConstraints(
            [x509.DNSName("corp.test"), x509.IPAddress(ip_network("192.0.2.0/24"))],
            [x509.DirectoryName(NAME)],
        ),
        [
            "permitted: DNS corp.test",
            "permitted: IP 192.0.2.0/24",
            "excluded: directory name Common Name: Every Extension",
        ],
    ),
    (
        x509.CRLDistributionPoints([
            x509.DistributionPoint([URL], None, None, None),
            x509.DistributionPoint(
                None, None, frozenset({x509.ReasonFlags.key_compromise}), [x509.DirectoryName(NAME)]
            ),
        ]),
        [
            "URI https://ca.test/x",
            "for these reasons: key compromise",
            "signed by directory name Common Name: Every Extension",
        ],
    ),
    (x509.FreshestCRL([x509.DistributionPoint([URL], None, None, None)]), ["URI https://ca.test/x"]),
    (
        x509.CertificatePolicies([
            x509.PolicyInformation(OID("2.23.140.1.2.1"), None),
            x509.PolicyInformation(
                OID("1.2.3"),
                ["https://ca.test/cps", x509.UserNotice(x509.NoticeReference("Org", [1, 2]), "Read")],
            ),
        ]),
        [
            "domain validated, 2.23.140.1.2.1",
            "1.2.3",
            "statement of practice: https://ca.test/cps",
            "notice: Read (Org, 1, 2)",
        ],
    ),
    (
        x509.PolicyConstraints(0, 2),
        ["an explicit policy is required after 0 CAs", "no policy mapping after 2 CAs"],
    ),
    (x509.InhibitAnyPolicy(3), ["any policy is not accepted after 3 CAs"]),
    (
        x509.ExtendedKeyUsage([OID("1.3.6.1.5.5.7.3.1"), OID("1.3.6.1.4.1.311.20.2.2"), OID("1.2.3.4")]),
        [
            "TLS server, 1.3.6.1.5.5.7.3.1",
            "Microsoft smart card logon, 1.3.6.1.4.1.311.20.2.2",
            "1.2.3.4",
        ],
    ),
    (
        x509.AuthorityInformationAccess([
            x509.AccessDescription(OID("1.3.6.1.5.5.7.48.1"), URL),
            x509.AccessDescription(OID("1.3.6.1.5.5.7.48.2"), x509.DirectoryName(NAME)),
        ]),
        [
            "OCSP: URI https://ca.test/x",
            "issuer's certificate: directory name Common Name: Every Extension",
        ],
    ),
    (
        x509.SubjectInformationAccess([x509.AccessDescription(OID("1.3.6.1.5.5.7.48.5"), URL)]),
        ["CA repository: URI https://ca.test/x"],
    ),
    (
        x509.TLSFeature([x509.TLSFeatureType.status_request, x509.TLSFeatureType.status_request_v2]),
        ["a stapled OCSP answer is required", "stapled OCSP answers for the whole chain are required"],
    ),
    (x509.OCSPNoCheck(), ["clients need not ask whether this OCSP signer is revoked"]),
    (
        x509.PrivateKeyUsagePeriod(dt.datetime(2026, 1, 2), dt.datetime(2026, 2, 3)),  # noqa: DTZ001  as it wants
        ["from 2 Jan 2026, 00:00:00 UTC", "until 3 Feb 2026, 00:00:00 UTC"],
    ),
]


@pytest.mark.parametrize(("extension", "lines"), STANDARD, ids=lambda one: type(one).__name__)
def test_what_the_standard_defines(extension, lines):
    assert said(extension) == lines


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = bytes((len(body),)) if len(body) < 128 else bytes((0x81, len(body)))
    return bytes((tag,)) + length + body


def oid(text: str) -> bytes:
    return core.ObjectIdentifier(text).dump()


RARE = [
    ("2.5.29.33", _der(0x30, _der(0x30, oid("1.2.3"), oid("1.2.4"))), ["1.2.3 = 1.2.4"]),
    (
        "2.5.29.9",
        _der(0x30, _der(0x30, oid("1.3.6.1.5.5.7.9.4"), _der(0x31, core.PrintableString("CN").dump()))),
        ["1.3.6.1.5.5.7.9.4: CN"],
    ),
    (
        "1.3.6.1.5.5.7.1.3",
        _der(
            0x30,
            _der(0x30, oid("0.4.0.1862.1.1")),
            _der(0x30, oid("0.4.0.1862.1.6"), _der(0x30, oid("0.4.0.1862.1.6.3"))),
            _der(
                0x30,
                oid("0.4.0.1862.1.5"),
                _der(0x30, _der(0x30, _der(0x16, b"https://q.test/"), _der(0x13, b"en"))),
            ),
            _der(
                0x30, oid("0.4.0.1862.1.2"), _der(0x30, _der(0x13, b"EUR"), b"\x02\x01\x05", b"\x02\x01\x03")
            ),
            _der(0x30, oid("0.4.0.1862.1.3"), b"\x02\x01\x0a"),
            _der(0x30, oid("0.4.0.1862.1.7"), _der(0x30, _der(0x13, b"DE"))),
            _der(0x30, oid("1.2.3")),
        ),
        [
            "qualified under EU law",
            "made for: website authentication",
            "statements of practice: https://q.test/ (en)",
            "limit of a transaction's value: 5 × 10^3 EUR",
            "years that records are kept: 10",
            "law of the countries: DE",
            "1.2.3",
        ],
    ),
    (
        "1.3.6.1.5.5.7.1.36",
        _der(0x30, _der(0x30, oid("2.16.840.1.101.3.4.2.1")), _der(0x04, b"\7" * 32)),
        ["07" * 32],
    ),
    ("1.3.6.1.4.1.311.20.2", _der(0x1E, "WebServer".encode("utf-16-be")), ["WebServer"]),
    ("1.3.6.1.4.1.311.21.1", b"\x02\x03\x01\x00\x02", ["certificate 2, key 1"]),
    ("1.3.6.1.4.1.311.21.7", _der(0x30, oid("1.2.3"), b"\x02\x01\x64", b"\x02\x01\x05"), ["1.2.3 100.5"]),
    (
        "1.3.6.1.4.1.311.21.10",
        _der(0x30, _der(0x30, oid("1.3.6.1.5.5.7.3.2"))),
        ["TLS client, 1.3.6.1.5.5.7.3.2"],
    ),
    ("2.16.840.1.113730.1.1", b"\x03\x02\x06\xc0", ["TLS client", "TLS server"]),
    ("2.16.840.1.113730.1.13", _der(0x16, b"made by hand"), ["made by hand"]),
    (
        "2.23.140.3.1",
        _der(0x30, _der(0x13, b"NTR"), _der(0x13, b"GB"), _der(0x0C, b"12345678")),
        ["NTR GB 12345678"],
    ),
    ("1.3.6.1.5.5.7.1.31", _der(0x04, b"\5" * 32), ["05" * 32]),
    ("1.2.156.10260.4.1.4", _der(0x13, b"91310000"), ["91310000"]),
    ("2.5.29.56", b"\x05\x00", ["its CA will publish no revocation of it"]),
]


@pytest.mark.parametrize(("number", "value", "lines"), RARE, ids=[one[0] for one in RARE])
def test_what_others_defined(number, value, lines):
    assert said(raw(number, value)) == lines


def test_the_scts_of_an_sm2_log_are_read(world):
    shown = {one.oid: one for one in extensions_shown(world.pair.sm2.certificate)}
    lines = shown["1.3.6.1.4.1.11129.2.4.2"].lines
    assert len(lines) == 2
    assert {line.rpartition(", ")[2] for line in lines} == {"sm2sig_sm3", "ecdsa_sha256"}


def test_what_is_not_known_is_a_tree_of_its_der():
    inner = _der(0x04, _der(0x30, b"\x01\x01\xff", b"\x05\x00"))
    value = _der(0x30, b"\x02\x01\x05", oid("1.2.840.113549"), _der(0x0C, "明镜".encode()), _der(0xA3, inner))
    (shown,) = extensions_shown(certificate(raw("1.2.3.4.5", value)))
    assert (shown.name, shown.lines) == ("Extension that is not known here", ())
    assert shown.tree == (
        "SEQUENCE", "  INTEGER 5", "  OBJECT IDENTIFIER 1.2.840.113549", "  UTF8String “明镜”", "  [3]",
        "    OCTET STRING", "      SEQUENCE", "        BOOLEAN TRUE", "        NULL",
    )  # fmt: skip


@pytest.mark.parametrize("value", [b"", b"hello", b"\x30\x80\x00\x00", b"\x30\x05\x02", b"\x30\x81\x01\x00"])
def test_what_is_no_der_has_no_tree(value):
    assert der_tree(value) == ()
    assert _shown("1.2.3.4.5", value, critical=False).value == value


def test_a_tree_is_bounded_in_width_and_depth():
    wide = der_tree(b"\x05\x00" * 20_000)
    assert (len(wide), wide[-1]) == (MOST + 1, "… 19,880")
    deep = b""
    for _ in range(5000):
        body = len(deep).to_bytes(3)
        deep = b"\x30\x83" + body + deep if len(deep) > 0xFFFF else core.Sequence(contents=deep).dump()
    assert len(der_tree(deep)) < MOST
    assert all(len(line) < 200 for line in der_tree(b"\x04\x83\x01\x00\x00" + b"\7" * 0x10000))


def test_a_known_one_with_broken_bytes_says_so_and_keeps_its_tree():
    shown = _shown("1.3.6.1.5.5.7.1.3", _der(0x31, b"\x05\x00"), critical=True)
    assert shown.lines == ("its bytes cannot be read as this extension",)
    assert shown.tree == ("SET", "  NULL")


def test_ten_thousand_names_are_cut_and_said_to_be():
    names = x509.SubjectAlternativeName([x509.DNSName(f"n{number}.test") for number in range(3000)])
    lines = said(names)
    assert (len(lines), lines[-1]) == (101, "and more, in its bytes")


@given(st.sampled_from(sorted(_READERS)), st.binary(max_size=60))
def test_no_bytes_crash_a_reader(number, value):
    shown = _shown(number, value, critical=False)
    assert shown.lines
    assert all(len(line) <= 400 for line in shown.lines)


@given(st.sampled_from(STANDARD), st.data())
def test_no_change_of_good_bytes_crashes_a_reader(good, data):
    (extension, _) = good
    value = bytearray(extension.public_bytes())
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] = data.draw(st.integers(0, 255))
    _shown(extension.oid.dotted_string, bytes(value), critical=False)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_tree(value):
    assert len(der_tree(value)) <= MOST + 1


def test_nested_indefinite_lengths_are_refused_without_a_crash():
    for number in _READERS:
        _shown(number, b"\x30\x80" * 20_000, critical=False)


def test_every_reader_has_a_name():
    assert set(_READERS) <= set(EXTENSIONS)
