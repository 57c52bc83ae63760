"""Certificates as values: fields, strictness, and that any bytes at all give a value or MalformedInput."""

import subprocess
from pathlib import Path

import certifi
import cryptography_vectors
import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import KeyAlgorithm, SignatureScheme
from verifier.certificates import MAX_CERTIFICATE_SIZE, Certificate, load_pem_chain, parse_chain
from verifier.errors import InvalidSignature, MalformedInput, PathInvalid, UnsupportedAlgorithm

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"
REAL = Certificate.from_pem((VECTORS / "cryptography-scts.pem").read_bytes())


def test_fields_of_a_real_certificate():
    assert REAL.subject == "CN=cryptography.io"
    assert REAL.issuer == "CN=Let's Encrypt Authority X3,O=Let's Encrypt,C=US"
    assert REAL.dns_names == ("cryptography.io",)
    assert REAL.ocsp_urls == ("http://ocsp.int-x3.letsencrypt.org",)
    assert REAL.issuer_urls == ("http://cert.int-x3.letsencrypt.org/",)
    assert REAL.key_usage == {"digital_signature", "key_encipherment"}
    assert REAL.extended_key_usage == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert REAL.public_key.algorithm is KeyAlgorithm.RSA
    assert REAL.signature_scheme is SignatureScheme.RSA_PKCS1_SHA256
    assert not REAL.is_ca
    assert not REAL.is_precertificate
    assert REAL.sct_list is not None
    assert f"{REAL.not_after:%Y-%m-%d}" == "2018-12-25"
    REAL.verify_signed_by(Certificate.from_pem((VECTORS / "letsencryptx3.pem").read_bytes()))


def test_every_root_of_certifi_parses():
    roots = load_pem_chain(Path(certifi.where()).read_bytes())
    assert len(roots) > 100
    assert all(root.is_ca and root.self_issued for root in roots)
    assert any(root.serial == 0 for root in roots)  # the library warns of them, and they are Mozilla's


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.rglob("*.pem")))
def test_vectors_parse_as_the_library_says_or_give_our_error(name):
    """Each of cryptography's certificates, broken ones too; precertificate bytes as the library has them."""
    text = next(VECTORS.rglob(name)).read_bytes()
    try:
        certificates = load_pem_chain(text)
    except MalformedInput:
        return
    for certificate in certificates:
        if certificate.serial == 0:
            continue
        theirs = x509.load_der_x509_certificate(certificate.der)
        assert certificate.tbs == theirs.tbs_certificate_bytes
        if certificate.sct_list is not None:
            assert certificate.precertificate_tbs == theirs.tbs_precertificate_bytes
        for extension, their in zip(certificate.extensions, theirs.extensions, strict=True):
            assert (extension.oid, extension.critical) == (their.oid.dotted_string, their.critical)


def test_precertificate_and_certificate_share_what_an_sct_signs(pki):
    root = pki.root()
    logged = pki.logged_leaf(root, [pki.log("a")], ips=["192.0.2.1"]).certificate
    assert logged.sct_list
    assert not logged.is_precertificate
    poison = core.Null().dump()
    again = asn1_x509.Certificate.load(logged.der)
    for extension in again["tbs_certificate"]["extensions"]:
        if extension["extn_id"].dotted == "1.3.6.1.4.1.11129.2.4.2":
            extension["extn_id"] = "1.3.6.1.4.1.11129.2.4.3"
            extension["critical"] = True
            extension["extn_value"] = core.ParsableOctetString(poison)
    precertificate = Certificate.parse(again.dump(force=True))
    assert precertificate.is_precertificate
    assert precertificate.sct_list is None
    assert precertificate.precertificate_tbs == logged.precertificate_tbs
    without = pki.leaf(root).certificate
    assert without.precertificate_tbs == without.tbs


@pytest.mark.parametrize(
    ("oid", "critical", "value"),
    [
        ("1.3.6.1.4.1.11129.2.4.3", False, b"\x05\x00"),  # a poison that does not stop anybody
        ("1.3.6.1.4.1.11129.2.4.3", True, b"\x04\x00"),
        ("1.3.6.1.5.5.7.1.36", False, b"\x30\x00"),
    ],
)
def test_malformed_extensions_of_ours_are_refused(ecc, raw, oid, critical, value):
    with pytest.raises(MalformedInput, match=r"certificate\.extensions\."):
        ecc.leaf(ecc.root(), extra=[raw(oid, value, critical=critical)])


def test_an_sct_list_without_its_octet_string_is_refused():
    wrapped = b"\x04\x81\xf7\x04\x81\xf4"
    assert REAL.der.count(wrapped) == 1
    with pytest.raises(MalformedInput, match=r"certificate\.extensions\.sctList"):
        Certificate.parse(REAL.der.replace(wrapped, b"\x04\x81\xf7\x05\x81\xf4"))


def test_related_certificate_and_must_staple(ecc, raw):
    digest = bytes(range(32))
    algorithm = bytes.fromhex("300b0609608648016503040201")
    related = b"\x30" + bytes([len(algorithm) + 34]) + algorithm + b"\x04\x20" + digest
    staple = x509.TLSFeature([x509.TLSFeatureType.status_request])
    leaf = ecc.leaf(ecc.root(), extra=[raw("1.3.6.1.5.5.7.1.36", related), staple]).certificate
    assert leaf.related_certificate == digest
    assert leaf.must_staple
    assert ecc.leaf(ecc.root()).certificate.related_certificate is None


def test_sm2_certificate_and_its_issuer(sm2):
    root, other = sm2.root(), sm2.root("Other root")
    leaf = sm2.leaf(root, "a.test", ips=["2001:db8::1"]).certificate
    assert leaf.public_key.algorithm is KeyAlgorithm.SM2
    assert leaf.signature_scheme is SignatureScheme.SM2SIG_SM3
    assert leaf.ip_addresses == ("2001:db8::1",)
    leaf.verify_signed_by(root.certificate)
    with pytest.raises(PathInvalid, match="issued by"):
        leaf.verify_signed_by(other.certificate)
    impostor = sm2.certificate("Root", None, key=sm2.key("impostor"), ca=True).certificate
    with pytest.raises(InvalidSignature, match=r"a\.test: not signed by Root"):
        leaf.verify_signed_by(impostor)


def test_sha1_signatures_are_not_verified():
    sha1 = next(
        root
        for root in load_pem_chain(Path(certifi.where()).read_bytes())
        if root.signature_scheme is SignatureScheme.RSA_PKCS1_SHA1
    )
    with pytest.raises(UnsupportedAlgorithm, match="SHA-1"):
        sha1.verify_signed_by(sha1)


def test_other_than_strict_der_is_refused(ecc):
    der = ecc.root().certificate.der
    indefinite = b"\x30\x80" + der[4:] + b"\0\0"
    long_length = b"\x30\x83\0" + der[2:]
    for wrong in (b"", der + b"\0", b"\0" + der, der[:-1], indefinite, long_length, der * 2):
        with pytest.raises(MalformedInput):
            Certificate.parse(wrong)


def test_inner_and_outer_algorithm_must_agree(ecc):
    der = ecc.root().certificate.der
    inner, outer = b"\x30\x0a\x06\x08" + bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040303")
    assert der.count(inner) == 2
    with pytest.raises(MalformedInput, match="same as signatureAlgorithm"):
        Certificate.parse(der.replace(inner, inner[:4] + outer, 1))


def test_an_extension_twice_is_refused(ecc, raw):
    leaf = ecc.leaf(ecc.root(), extra=[raw("1.3.6.1.4.1.99999.1", core.Null().dump())]).certificate
    made = asn1_x509.Certificate.load(leaf.der)
    made["tbs_certificate"]["extensions"].append(made["tbs_certificate"]["extensions"][-1].copy())
    with pytest.raises(MalformedInput, match=r"1\.3\.6\.1\.4\.1\.99999\.1 twice"):
        Certificate.parse(made.dump(force=True))


def test_a_boolean_other_than_true_is_not_der(ecc):
    der = ecc.root().certificate.der
    critical = bytes.fromhex("0603551d130101ff")
    assert critical in der
    for boolean in ("00", "01"):
        with pytest.raises(MalformedInput, match="expected TRUE or nothing"):
            Certificate.parse(der.replace(critical, bytes.fromhex("0603551d130101" + boolean)))


def test_serial_numbers_have_twenty_octets(ecc):
    assert ecc.leaf(ecc.root(), serial=2**159).certificate.serial == 2**159
    with pytest.raises(MalformedInput, match="at most 20 octets"):
        ecc.leaf(ecc.root(), serial=2**161)


@pytest.mark.parametrize(
    ("mask", "salt", "scheme"),
    [
        (hashes.SHA256(), 32, SignatureScheme.RSA_PSS_SHA256),
        (hashes.SHA512(), 32, None),
        (hashes.SHA256(), 20, None),
    ],
)
def test_pss_is_taken_with_tls_parameters_only(ecc, mask, salt, scheme):
    """RFC 8446 section 4.2.3: one hash throughout, the salt as long as it."""
    key = rsa.generate_private_key(65537, 2048)
    name = ecc.name("PSS")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, ecc.now, ecc.now)
    signed = builder.sign(key, hashes.SHA256(), rsa_padding=padding.PSS(padding.MGF1(mask), salt))
    certificate = Certificate.parse(signed.public_bytes(Encoding.DER))
    assert certificate.signature_scheme is scheme
    if scheme:
        certificate.verify_signed_by(certificate)
    else:
        with pytest.raises(UnsupportedAlgorithm):
            certificate.verify_signed_by(certificate)


def test_scts_signed_with_sm2_do_not_stop_the_parser(sm2):
    """The library knows no hash 7 in an SCT; its reading of the list is not asked for."""
    logged = sm2.logged_leaf(sm2.root(), [sm2.log("national", algorithm=KeyAlgorithm.SM2)]).certificate
    with pytest.raises(ValueError, match=r"hash|algorithm|7"):
        _ = x509.load_der_x509_certificate(logged.der).extensions
    assert [extension.oid for extension in logged.extensions][-1] == "1.3.6.1.4.1.11129.2.4.2"
    assert b"\x07\x08" in logged.sct_list


def test_names_of_forms_nobody_reads_are_refused(ecc, raw):
    """An x400Address, for which the library has an exception of its own."""
    with pytest.raises(MalformedInput):
        ecc.leaf(ecc.root(), dns=(), extra=[raw("2.5.29.17", bytes.fromhex("3002a300"))])


def test_oversized_input_is_refused_before_it_is_parsed():
    body = b"\0" * MAX_CERTIFICATE_SIZE
    with pytest.raises(MalformedInput, match="expected at most 65536"):
        Certificate.parse(b"\x30\x84" + len(body).to_bytes(4) + body)


@given(st.binary(max_size=2000))
def test_garbage_gives_our_error(data):
    with pytest.raises(MalformedInput):
        Certificate.parse(data)


@given(st.integers(min_value=0, max_value=len(REAL.der) - 1))
def test_truncated_certificates_give_our_error(length):
    with pytest.raises(MalformedInput):
        Certificate.parse(REAL.der[:length])


@given(st.integers(min_value=0, max_value=len(REAL.der) - 1), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_gives_a_value_or_our_error(position, change):
    changed = bytearray(REAL.der)
    changed[position] ^= change
    try:
        certificate = Certificate.parse(bytes(changed))
    except MalformedInput:
        return
    assert certificate.der == bytes(changed)
    assert certificate.display_name
    assert certificate.pem


@given(st.lists(st.tuples(st.integers(0, len(REAL.der) - 1), st.binary(max_size=8)), min_size=1, max_size=4))
def test_several_changes_give_a_value_or_our_error(changes):
    changed = bytearray(REAL.der)
    for position, replacement in changes:
        changed[position : position + len(replacement)] = replacement
    try:
        Certificate.parse(bytes(changed))
    except MalformedInput:
        return


@pytest.mark.needs("openssl")
def test_pem_round_trip_and_openssl_reads_it(pki):
    leaf = pki.leaf(pki.root()).certificate
    assert Certificate.from_pem(leaf.pem) == leaf
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(command, input=leaf.pem, capture_output=True, text=True, check=True).stdout
    assert shown.strip().rpartition("=")[2].replace(":", "").lower() == leaf.fingerprint.hex()


def test_pem_chains_are_strict(ecc):
    root = ecc.root()
    leaf = ecc.leaf(root)
    both = "some text\n" + leaf.certificate.pem + "more\r\n" + root.certificate.pem.replace("\n", "\r\n")
    assert load_pem_chain(both) == (leaf.certificate, root.certificate)
    assert load_pem_chain(both.encode()) == (leaf.certificate, root.certificate)
    key = leaf.key.to_pem().decode()
    damaged = both.replace("-----END CERTIFICATE-----", "-----END CERTIFICAT-----", 1)
    for wrong in ("", "nothing", both + key, damaged, both[:-40], both.replace("MII", "M*I", 1)):
        with pytest.raises(MalformedInput, match="PEM"):
            load_pem_chain(wrong)
    with pytest.raises(MalformedInput, match="expected one certificate, found 2"):
        Certificate.from_pem(both)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n", "PEM: block 3: expected base64"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "PEM: block 3: certificate.Cert"),
        ("-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n", "PEM: block 3: expected a whole"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM: block 3: expected a whole"),
        ("-----END CERTIFICATE-----\n", "found an END without its BEGIN"),
    ],
)
def test_a_broken_pem_block_is_named_by_its_place(block, said):
    with pytest.raises(MalformedInput, match=said):
        load_pem_chain(REAL.pem * 2 + block + REAL.pem)


@given(st.text(max_size=500))
def test_any_text_as_pem_gives_our_error(text):
    with pytest.raises(MalformedInput):
        load_pem_chain(text)


def test_a_chain_is_bounded(ecc):
    der = ecc.root().certificate.der
    assert len(parse_chain((der,) * 16)) == 16
    for wrong in ((), (der,) * 17):
        with pytest.raises(MalformedInput, match="expected 1 to 16"):
            parse_chain(wrong)
