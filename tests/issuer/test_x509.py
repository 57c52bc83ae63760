"""Certificates, CRLs and OCSP responses, read back by cryptography and by the openssl command.

Which way round works with OpenSSL 3.0 and SM2: `openssl verify` needs `-vfyopt distid:…` for an SM2 chain,
and must not get it for any other (it then fails with error 7). `openssl crl -CAfile` and `openssl ocsp`
read SM2 lists and responses but have no such option, so they report a failed signature: the signatures
themselves are checked with `openssl dgst -sm3 -sigopt distid:…`, and the path through OpenSSL 4 in
cryptography's wheel, whose default identifier is the right one.
"""

import datetime as dt
import ipaddress
import warnings
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.x509 import ocsp as reference_ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from issuer.x509 import certificate as builder
from issuer.x509 import extensions, oids, signing
from issuer.x509.crl import CrlPlan, RevokedEntry, sign_crl
from issuer.x509.ocsp import (
    CertificateAnswer,
    ErrorStatus,
    MalformedRequest,
    ResponsePlan,
    error_response,
    parse_request,
    sign_response,
)
from verifier.algorithms import KeyAlgorithm, PrivateKey, SignatureScheme
from verifier.certificates import Certificate
from verifier.errors import InvalidSignature
from verifier.transparency.entries import X509Entry
from verifier.transparency.sct import encode_sct_list
from verifier.transparency.verify import sign_sct

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
ALGORITHMS = [KeyAlgorithm.SM2, KeyAlgorithm.ECDSA, KeyAlgorithm.RSA]
DISTID = ("-vfyopt", "distid:1234567812345678")


@pytest.fixture(scope="module", params=ALGORITHMS)
def ca(request):
    """A root, a leaf under it, and their keys."""
    key, leaf = PrivateKey.generate(request.param), PrivateKey.generate(request.param)
    name = builder.name(organisation="明镜", common_name="Test CA")
    root_extensions = (
        extensions.basic_constraints(ca=True, path_length=0),
        extensions.key_usage({"key_cert_sign", "crl_sign", "digital_signature"}),
        extensions.subject_key_id(key.public_key.spki),
        extensions.name_constraints(
            extensions.PermittedNames(("a.test",), (ipaddress.ip_network("127.0.0.1/32"),))
        ),
    )
    root_plan = plan(key, name, name, key, root_extensions)
    root = Certificate.parse(builder.sign_certificate(root_plan, key))
    leaf_extensions = (
        extensions.basic_constraints(ca=False),
        extensions.key_usage({"digital_signature"}),
        extensions.extended_key_usage([oids.SERVER_AUTH]),
        extensions.subject_alt_name(["a.test", "*.a.test", "127.0.0.1"], critical=False),
        extensions.subject_key_id(leaf.public_key.spki),
        extensions.authority_key_id(key.public_key.spki),
        extensions.authority_info_access(ocsp="http://x/ocsp", ca_issuers="http://x/ca"),
        extensions.crl_distribution_point("http://x/crl"),
        extensions.related_certificate(root.der),
    )
    leaf_plan = plan(key, builder.name(common_name="a.test"), name, leaf, leaf_extensions)
    return key, root, leaf_plan, Certificate.parse(builder.sign_certificate(leaf_plan, key))


def plan(signer, subject, issuer, key, wanted):
    return builder.CertificatePlan(
        serial=builder.new_serial(),
        subject=subject,
        issuer=issuer,
        not_before=NOW - dt.timedelta(hours=1),
        not_after=NOW + dt.timedelta(days=30),
        spki=key.public_key.spki,
        scheme=signing.scheme_of(signer),
        extensions=tuple(wanted),
    )


def verify_arguments(root: Certificate) -> tuple[str, ...]:
    return DISTID if root.public_key.algorithm is KeyAlgorithm.SM2 else ()


def write(directory: Path, **certificates: Certificate) -> list[Path]:
    for name, certificate in certificates.items():
        (directory / name).write_text(certificate.pem)
    return [directory / name for name in certificates]


def check_signature(openssl, directory: Path, root: Certificate, signed: bytes, signature: bytes) -> None:
    """Let the openssl command verify a detached signature by the root's key."""
    (directory / "signed").write_bytes(signed)
    (directory / "signature").write_bytes(signature)
    (root_path,) = write(directory, root=root)
    public = openssl("x509", "-in", root_path, "-noout", "-pubkey").stdout
    (directory / "public").write_text(public)
    sm2 = root.public_key.algorithm is KeyAlgorithm.SM2
    options = ("-sm3", "-sigopt", "distid:1234567812345678") if sm2 else ("-sha256",)
    files = ("-verify", directory / "public", "-signature", directory / "signature", directory / "signed")
    done = openssl("dgst", *options, *files)
    assert (done.returncode, done.stdout) == (0, "Verified OK\n"), done.stderr
    (directory / "signed").write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))
    assert openssl("dgst", *options, *files).returncode == 1


def test_openssl_verifies_the_chain(ca, tmp_path: Path, openssl) -> None:
    _, root, _, leaf = ca
    root_path, leaf_path = write(tmp_path, root=root, leaf=leaf)
    done = openssl(
        "verify", *verify_arguments(root), "-purpose", "sslserver", "-CAfile", root_path, leaf_path
    )
    assert done.returncode == 0, done.stderr
    damaged = bytearray(leaf.der)
    damaged[-1] ^= 1
    (tmp_path / "leaf").write_text(Certificate.parse(bytes(damaged)).pem)
    done = openssl("verify", *verify_arguments(root), "-CAfile", root_path, leaf_path)
    assert done.returncode == 2
    assert "signature failure" in done.stderr


def test_cryptography_reads_every_extension(ca) -> None:
    _, root, _, leaf = ca
    found = x509.load_der_x509_certificate(leaf.der).extensions
    names = found.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["a.test", "*.a.test"]
    assert names.value.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert not names.critical
    assert list(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    access = found.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert [one.access_location.value for one in access] == ["http://x/ocsp", "http://x/ca"]
    usage = found.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_encipherment
    authority = found.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == root.subject_key_id
    point = found.get_extension_for_class(x509.CRLDistributionPoints).value[0]
    assert point.full_name[0].value == "http://x/crl"
    assert leaf.related_certificate == root.fingerprint
    constraints = x509.load_der_x509_certificate(root.der).extensions.get_extension_for_oid(
        ExtensionOID.NAME_CONSTRAINTS
    )
    assert constraints.critical
    assert [one.value for one in constraints.value.permitted_subtrees] == [
        "a.test",
        ipaddress.ip_network("127.0.0.1/32"),
    ]
    assert constraints.value.excluded_subtrees is None


def test_signature_algorithm_is_written_as_openssl_writes_it(ca) -> None:
    """RSA with NULL parameters, ECDSA and SM2 without."""
    key, _, _, _ = ca
    expected = {
        KeyAlgorithm.SM2: "300a06082a811ccf55018375",
        KeyAlgorithm.ECDSA: "300a06082a8648ce3d040302",
        KeyAlgorithm.RSA: "300d06092a864886f70d01010b0500",
    }
    assert (
        signing.algorithm_identifier(signing.scheme_of(key)).dump().hex()
        == expected[key.public_key.algorithm]
    )


def test_precertificate_and_certificate_differ_by_poison_and_scts_only(ca) -> None:
    key, _, leaf_plan, _ = ca
    precertificate = builder.sign_certificate(leaf_plan.precertificate(), key)
    log = PrivateKey.generate(KeyAlgorithm.ECDSA)
    scts = encode_sct_list([sign_sct(X509Entry(b"any"), 1, b"", log)])
    final = builder.sign_certificate(leaf_plan.final(scts), key)
    parsed, parsed_final = Certificate.parse(precertificate), Certificate.parse(final)
    assert parsed.is_precertificate
    assert parsed_final.sct_list == scts
    assert parsed.precertificate_tbs == parsed_final.precertificate_tbs == leaf_plan.tbs()
    assert builder.tbs_without(parsed.tbs, (oids.POISON,)) == leaf_plan.tbs()
    assert builder.tbs_without(parsed_final.tbs, (oids.SCT_LIST,)) == leaf_plan.tbs()


def test_a_plan_is_signed_in_its_own_scheme_only(ca) -> None:
    _, _, leaf_plan, _ = ca
    other = PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384")
    with pytest.raises(ValueError, match="the plan says"):
        builder.sign_certificate(leaf_plan, other)


def test_serials_are_positive_unpredictable_and_20_octets() -> None:
    serials = [builder.new_serial() for _ in range(200)]
    assert len(set(serials)) == 200
    assert {len(serial.to_bytes(20, signed=True)) for serial in serials} == {20}
    assert {serial.bit_length() for serial in serials} == {159}
    low_bits = [serial & 0xFFFFFFFFFFFFFFFF for serial in serials]
    assert len(set(low_bits)) == 200


@pytest.mark.parametrize(("year", "kind"), [(2049, "utc_time"), (2050, "general_time")])
def test_times_change_form_in_2050(year: int, kind: str) -> None:
    assert builder.time(dt.datetime(year, 12, 31, 23, 59, 59, 999, tzinfo=dt.UTC)).name == kind


@pytest.mark.parametrize("missing", ["dns", "ip"])
def test_constraints_that_would_leave_a_kind_free_are_refused(missing: str) -> None:
    networks = (ipaddress.ip_network("127.0.0.1/32"),)
    permitted = extensions.PermittedNames(
        () if missing == "dns" else ("a.test",), () if missing == "ip" else networks
    )
    with pytest.raises(ValueError, match="at least one"):
        extensions.name_constraints(permitted)


# Revocation lists


def crl_plan(root: Certificate, *entries: RevokedEntry) -> CrlPlan:
    return CrlPlan(root.subject_der, 5, NOW, NOW + dt.timedelta(days=1), entries)


def test_crl_as_openssl_and_cryptography_read_it(ca, tmp_path: Path, openssl) -> None:
    key, root, _, leaf = ca
    der = sign_crl(
        crl_plan(root, RevokedEntry(leaf.serial, NOW, "key_compromise"), RevokedEntry(7, NOW, None)), key
    )
    read = x509.load_der_x509_crl(der)
    assert read.next_update_utc == NOW + dt.timedelta(days=1)
    assert read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 5
    identifier = read.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert identifier.key_identifier == root.subject_key_id
    revoked = read.get_revoked_certificate_by_serial_number(leaf.serial)
    assert revoked is not None
    reason = revoked.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise
    unspecified = read.get_revoked_certificate_by_serial_number(7)
    assert unspecified is not None
    assert len(unspecified.extensions) == 0
    (tmp_path / "crl").write_bytes(der)
    text = openssl("crl", "-inform", "DER", "-in", tmp_path / "crl", "-noout", "-text").stdout
    assert f"Serial Number: {leaf.serial:X}" in text
    assert "Key Compromise" in text
    parsed = asn1_crl.CertificateList.load(der)
    check_signature(openssl, tmp_path, root, parsed["tbs_cert_list"].dump(), parsed["signature"].native)


def test_openssl_refuses_the_revoked_certificate(ca, tmp_path: Path, openssl) -> None:
    """The command where it can (no SM2 lists in 3.0), OpenSSL 4 through pyOpenSSL for all."""
    from OpenSSL import crypto

    key, root, _, leaf = ca
    for entries, refused in (((), False), ((RevokedEntry(leaf.serial, NOW, None),), True)):
        der = sign_crl(crl_plan(root, *entries), key)
        store = crypto.X509Store()
        store.add_cert(crypto.X509.from_cryptography(x509.load_der_x509_certificate(root.der)))
        store.add_crl(x509.load_der_x509_crl(der))
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
        presented = crypto.X509.from_cryptography(x509.load_der_x509_certificate(leaf.der))
        context = crypto.X509StoreContext(store, presented)
        if refused:
            with pytest.raises(crypto.X509StoreContextError, match="revoked"):
                context.verify_certificate()
        else:
            context.verify_certificate()
    if root.public_key.algorithm is not KeyAlgorithm.SM2:
        root_path, leaf_path = write(tmp_path, root=root, leaf=leaf)
        (tmp_path / "crl").write_bytes(der)
        done = openssl("verify", "-crl_check", "-CRLfile", tmp_path / "crl", "-CAfile", root_path, leaf_path)
        assert "certificate revoked" in done.stderr


def test_an_empty_list_has_no_revoked_certificates_at_all(ca) -> None:
    """RFC 5280 section 5.1.2.6: absent, not empty."""
    key, root, _, _ = ca
    tbs = asn1_crl.CertificateList.load(sign_crl(crl_plan(root), key))["tbs_cert_list"]
    assert tbs["revoked_certificates"].native is None


# OCSP


@pytest.fixture
def ocsp_request(ca, tmp_path: Path, openssl) -> bytes:
    """A request as the openssl command writes it."""
    _, root, _, leaf = ca
    root_path, leaf_path = write(tmp_path, root=root, leaf=leaf)
    done = openssl("ocsp", "-issuer", root_path, "-cert", leaf_path, "-reqout", tmp_path / "request")
    assert done.returncode == 0, done.stderr
    return (tmp_path / "request").read_bytes()


def test_ocsp_request_of_openssl(ca, ocsp_request: bytes) -> None:
    _, root, _, leaf = ca
    parsed = parse_request(ocsp_request)
    assert parsed.nonce is not None
    assert len(parsed.nonce) == 16
    (asked,) = parsed.certificates
    assert asked.serial == leaf.serial
    assert asked.names_issuer(root.subject_der, root.public_key.spki)
    assert not asked.names_issuer(leaf.subject_der, root.public_key.spki)
    assert not asked.names_issuer(root.subject_der, leaf.public_key.spki)


@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
def test_ocsp_response(ca, ocsp_request: bytes, tmp_path: Path, openssl, status: str) -> None:
    key, root, _, _ = ca
    request = parse_request(ocsp_request)
    answer = CertificateAnswer(
        request.certificates[0],
        known=status != "unknown",
        revoked_at=NOW if status == "revoked" else None,
        reason="superseded" if status == "revoked" else None,
    )
    der = sign_response(ResponsePlan((answer,), request.nonce, NOW, NOW + dt.timedelta(hours=1)), key)
    read = reference_ocsp.load_der_ocsp_response(der)
    assert read.certificate_status.name == status.upper()
    assert read.responder_key_hash == root.subject_key_id
    assert read.next_update_utc == NOW + dt.timedelta(hours=1)
    assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == request.nonce
    if status == "revoked":
        assert read.revocation_time_utc == NOW
        assert read.revocation_reason is x509.ReasonFlags.superseded
    basic = asn1_ocsp.OCSPResponse.load(der)["response_bytes"]["response"].parsed
    check_signature(openssl, tmp_path, root, basic["tbs_response_data"].dump(), basic["signature"].native)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_request(data)


def test_damaged_requests_are_read_or_malformed(ca, ocsp_request: bytes) -> None:
    """Every one-octet change and every truncation of a real request."""
    key, _, _, _ = ca
    cases = [ocsp_request[:end] for end in range(len(ocsp_request))]
    for position in range(len(ocsp_request)):
        before, octet, after = ocsp_request[:position], ocsp_request[position], ocsp_request[position + 1 :]
        cases += [before + bytes([value]) + after for value in (0, 0x30, 0x7F, 0x80, 0xFF, octet ^ 1)]
    cases.append(ocsp_request + b"\0")
    for case in cases:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                request = parse_request(case)
            except MalformedRequest:
                continue
            answers = tuple(CertificateAnswer(one, known=False) for one in request.certificates)
        if key.public_key.algorithm is KeyAlgorithm.ECDSA:
            sign_response(ResponsePlan(answers, request.nonce, NOW, NOW), key)


def test_request_limits(ocsp_request: bytes) -> None:
    with pytest.raises(MalformedRequest, match="not an OCSPRequest"):
        parse_request(ocsp_request + b"\0")
    with pytest.raises(MalformedRequest, match="at most 8192"):
        parse_request(ocsp_request + bytes(9000))
    one = asn1_ocsp.OCSPRequest.load(ocsp_request)["tbs_request"]["request_list"][0]
    for count in (0, 33):
        many = asn1_ocsp.OCSPRequest({"tbs_request": {"request_list": [one] * count}})
        with pytest.raises(MalformedRequest, match="1 to 32"):
            parse_request(many.dump())
    long_nonce = asn1_ocsp.OCSPRequest({
        "tbs_request": {
            "request_list": [one],
            "request_extensions": [{"extn_id": "nonce", "critical": False, "extn_value": bytes(33)}],
        }
    })
    with pytest.raises(MalformedRequest, match="nonce"):
        parse_request(long_nonce.dump())
    critical = asn1_ocsp.OCSPRequest({
        "tbs_request": {
            "request_list": [one],
            "request_extensions": [{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"}],
        }
    })
    with pytest.raises(MalformedRequest, match=r"1\.2\.3\.4"):
        parse_request(critical.dump())


def test_error_responses() -> None:
    read = reference_ocsp.load_der_ocsp_response(error_response(ErrorStatus.MALFORMED_REQUEST))
    assert read.response_status is reference_ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_a_damaged_certificate_does_not_verify(ca) -> None:
    _, root, _, leaf = ca
    position = leaf.der.index(b"a.test")
    damaged = Certificate.parse(leaf.der[:position] + b"b" + leaf.der[position + 1 :])
    with pytest.raises(InvalidSignature):
        damaged.verify_signed_by(root)
    assert (
        signing.scheme_of(PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384"))
        is SignatureScheme.ECDSA_SHA384
    )
