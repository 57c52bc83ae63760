"""Our reading of a certificate beside two that are independent of it: cryptography whole, and asn1crypto.

On real certificates, on those that cryptography keeps for its own tests, and on all of these with damage:
where ours gives a value, both agree with each of its fields; where it refuses, it names the field.
"""

import base64
import re
import warnings
from pathlib import Path

import certifi
import cryptography_vectors
import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from verifier.certificates import Certificate
from verifier.errors import MalformedInput

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"
BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
NAMED = re.compile(
    r"certificate(\.[\w.]+)?: expected nothing more|certificate\.[\w.]+: |[A-Za-z]\w+: expected"
)
FEWEST, FEWEST_READ = 250, 200
SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"
SCT_LIST_DER = core.ObjectIdentifier(SCT_LIST).dump()
SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
LARGEST = 8000
INTERESTING = bytes.fromhex("00010203040506 0c 13 16 17 18 1e 20 30 31 7f 80 81 82 83 86 87 a0 a3 ff")


def _corpus():
    texts = [path.read_bytes() for path in sorted(VECTORS.rglob("*.pem"))]
    texts.append(Path(certifi.where()).read_bytes())
    found = [path.read_bytes() for path in sorted(VECTORS.rglob("*.der"))]
    for text in texts:
        for block in BLOCK.findall(text):
            try:
                found.append(base64.b64decode(block))
            except ValueError:  # some vectors are broken as PEM
                continue
    return [der for der in dict.fromkeys(found) if len(der) < LARGEST]


CORPUS = _corpus()


def without_scts(der):
    """The certificate less its SCT list, some of which the library cannot read (it knows no SM2 in one)."""
    made = asn1_x509.Certificate.load(der)
    body = made["tbs_certificate"]
    kept = [one.dump() for one in body["extensions"] if one["extn_id"].dotted != SCT_LIST]
    fields = body.contents[: -len(body["extensions"].dump())]
    tbs = element(0x30, fields + element(0xA3, element(0x30, b"".join(kept))))
    return element(0x30, tbs + made.contents[len(body.dump()) :])


def by_library(der):
    """The fields as the library reads them off the whole certificate."""
    parsed = x509.load_der_x509_certificate(der)
    subject = parsed.subject
    readable = x509.load_der_x509_certificate(without_scts(der)) if SCT_LIST_DER in der else parsed
    typed = {type(one.value): one.value for one in readable.extensions}
    names = typed.get(x509.SubjectAlternativeName, ())
    basic = typed.get(x509.BasicConstraints)
    usage = typed.get(x509.KeyUsage)
    issuer_key, own_key = typed.get(x509.AuthorityKeyIdentifier), typed.get(x509.SubjectKeyIdentifier)
    return {
        "tbs": parsed.tbs_certificate_bytes,
        "serial": parsed.serial_number,
        "subject": subject.rfc4514_string(),
        "issuer": parsed.issuer.rfc4514_string(),
        "common_name": last(subject, NameOID.COMMON_NAME),
        "organisation": last(subject, NameOID.ORGANIZATION_NAME),
        "not_before": parsed.not_valid_before_utc,
        "not_after": parsed.not_valid_after_utc,
        "signature_oid": parsed.signature_algorithm_oid.dotted_string,
        "signature": parsed.signature,
        "dns_names": tuple(one.value for one in names if type(one) is x509.DNSName),
        "ip_addresses": tuple(str(one.value) for one in names if type(one) is x509.IPAddress),
        "email_addresses": tuple(one.value for one in names if type(one) is x509.RFC822Name),
        "is_ca": basic is not None and basic.ca,
        "path_length": basic.path_length if basic else None,
        "key_usage": {name for name in USAGES if getattr(usage, name)} if usage else set(),
        "extended_key_usage": {one.dotted_string for one in typed.get(x509.ExtendedKeyUsage, ())},
        "authority_key_id": issuer_key.key_identifier if issuer_key else None,
        "subject_key_id": own_key.digest if own_key else None,
        "ocsp_urls": urls(typed, AuthorityInformationAccessOID.OCSP),
        "issuer_urls": urls(typed, AuthorityInformationAccessOID.CA_ISSUERS),
        "must_staple": x509.TLSFeatureType.status_request in typed.get(x509.TLSFeature, ()),
        "is_precertificate": x509.PrecertPoison in typed,
    }


USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign"),
)


def last(name, oid):
    values = [one.value for one in name.get_attributes_for_oid(oid)]
    return values[-1] if values else ""


def urls(typed, method):
    return tuple(
        one.access_location.value
        for one in typed.get(x509.AuthorityInformationAccess, ())
        if one.access_method == method and type(one.access_location) is x509.UniformResourceIdentifier
    )


def compare(der):
    """Parse ``der`` in all three ways; tell whether ours gave a value."""
    certificate = None
    try:
        certificate = Certificate.parse(der)
    except MalformedInput as error:
        refusal = str(error)
    if certificate is None:
        assert NAMED.match(refusal), refusal
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of what old roots have
        for field, value in by_library(der).items():
            assert getattr(certificate, field) == value, field
        key = x509.load_der_x509_certificate(der).public_key()
    assert certificate.public_key.spki == key.public_bytes(*SPKI)
    body = asn1_x509.Certificate.load(der, strict=True)["tbs_certificate"]
    assert certificate.serial == body["serial_number"].native
    assert certificate.issuer_der == body["issuer"].dump()
    assert certificate.subject_der == body["subject"].dump()
    assert certificate.public_key.spki == body["subject_public_key_info"].dump()
    theirs = [
        (one["extn_id"].dotted, one["critical"].native, one["extn_value"].contents)
        for one in body["extensions"]
    ]
    assert [(one.oid, one.critical, one.value) for one in certificate.extensions] == theirs
    return True


def test_every_real_certificate_reads_the_same():
    assert len(CORPUS) > FEWEST
    assert sum(map(compare, CORPUS)) > FEWEST_READ


@st.composite
def damaged(draw):
    """A certificate of the corpus with bytes changed, cut out, put in, or copied from elsewhere in it."""
    data = bytearray(draw(st.sampled_from(CORPUS)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(("change", "change", "change", "cut", "insert", "copy")))
        if kind == "change":
            data[at] = draw(st.sampled_from(INTERESTING) | st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 3))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=3))
        else:
            source = draw(st.integers(0, len(data) - 1))
            data[at : at + 12] = data[source : source + 12]
        if not data:
            break
    return bytes(data)


@given(damaged())
def test_damage_is_read_the_same_or_named(der):
    compare(der)


VALUES = [
    b"",
    b"plain",
    b" a ",
    b"#hash",
    b'a,b+c"d\\e;f<g>h',
    b"a\0b",
    "例子".encode(),
    b"*",
    b"\xff",
    b"x" * 65,
]


@pytest.mark.parametrize("tag", [0x0C, 0x13, 0x16, 0x1E, 0x03])
@pytest.mark.parametrize("value", VALUES)
def test_names_are_escaped_and_refused_alike(tag, value):
    """A name with the value in every place: common name, country, organisation, one without a keyword."""
    template = Certificate.from_pem((VECTORS / "cryptography-scts.pem").read_bytes())
    for kind in (3, 6, 7, 10, 11, 5, 45):
        attribute = element(0x30, bytes((6, 3, 0x55, 4, kind)) + element(tag, value))
        name = element(0x30, element(0x31, attribute))
        tbs = template.tbs[4:].replace(template.subject_der, name)
        head = element(0x30, tbs) + template.der[4 + len(template.tbs) :]
        compare(element(0x30, head))


def element(tag, contents):
    size = len(contents)
    if size < 0x80:
        return bytes((tag, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + contents
