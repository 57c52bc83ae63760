"""Certificates of the public web, with the logs that vouched for them."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import PublicKey
from verifier.certificates import Certificate
from verifier.errors import InvalidSignature
from verifier.transparency.entries import PrecertEntry, entry_for_certificate
from verifier.transparency.log_list import LogList
from verifier.transparency.sct import SignedCertificateTimestamp, parse_sct_list
from verifier.transparency.verify import verify_sct

ICARUS_ID = b64decode("KTxRllTIOWW6qlD8WAfUt2+/WHopctykwwz05UVH9Hg=")
ICARUS_KEY = b64decode(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETtK8v7MICve56qTHHDhhBOuV4IlUaESxZryCfk9QbG9co/CqPvTsgPDbCpp6oFtyAHwl"
    "Dhnvr7JijXRD9Cb2FA=="
)
MAMMOTH_ID = b64decode("b1N2rDHwMRnYmQCkURX/dxUcEdkCwQApBo2yCJo32RM=")


@pytest.fixture(scope="module")
def entry(vector: Callable[[str], Certificate]) -> PrecertEntry:
    certificate, issuer = vector("cryptography-scts.pem"), vector("letsencryptx3.pem")
    certificate.verify_signed_by(issuer)
    return entry_for_certificate(certificate, issuer)


@pytest.fixture(scope="module")
def scts(
    vector: Callable[[str], Certificate], logs_of_2022: LogList
) -> list[tuple[SignedCertificateTimestamp, PublicKey]]:
    """The certificate's two SCTs, each with its log's key."""
    icarus = PublicKey.from_spki(ICARUS_KEY)
    mammoth = logs_of_2022.by_id(MAMMOTH_ID)
    assert mammoth is not None
    logs = {ICARUS_ID: icarus, MAMMOTH_ID: mammoth.key}
    found = parse_sct_list(vector("cryptography-scts.pem").sct_list or b"")
    return [(sct, logs[sct.log_id]) for sct in found]


def test_both_scts_verify(scts: list[tuple[SignedCertificateTimestamp, PublicKey]], entry: PrecertEntry):
    assert [sct.log_id for sct, _ in scts] == [ICARUS_ID, MAMMOTH_ID]
    for sct, key in scts:
        verify_sct(sct, entry, key)
        assert sct.time.date() == datetime(2018, 9, 26, tzinfo=UTC).date()


@given(st.data())
def test_a_flipped_bit_of_the_signature_is_invalid(
    scts: list[tuple[SignedCertificateTimestamp, PublicKey]], entry: PrecertEntry, data: st.DataObject
):
    sct, key = data.draw(st.sampled_from(scts))
    with pytest.raises(InvalidSignature):
        verify_sct(replace(sct, signature=flip(sct.signature, data)), entry, key)


@given(st.data())
def test_a_flipped_bit_of_the_tbs_is_invalid(
    scts: list[tuple[SignedCertificateTimestamp, PublicKey]], entry: PrecertEntry, data: st.DataObject
):
    sct, key = data.draw(st.sampled_from(scts))
    with pytest.raises(InvalidSignature):
        verify_sct(sct, replace(entry, tbs=flip(entry.tbs, data)), key)


@given(st.data())
def test_a_flipped_bit_of_the_timestamp_is_invalid(
    scts: list[tuple[SignedCertificateTimestamp, PublicKey]], entry: PrecertEntry, data: st.DataObject
):
    sct, key = data.draw(st.sampled_from(scts))
    timestamp = sct.timestamp ^ 1 << data.draw(st.integers(0, 44))
    with pytest.raises(InvalidSignature):
        verify_sct(replace(sct, timestamp=timestamp), entry, key)


def test_a_wrong_issuer_is_invalid(
    scts: list[tuple[SignedCertificateTimestamp, PublicKey]], vector: Callable[[str], Certificate]
):
    certificate = vector("cryptography-scts.pem")
    for sct, key in scts:
        with pytest.raises(InvalidSignature):
            verify_sct(sct, entry_for_certificate(certificate, certificate), key)


def test_badssl_is_vouched_for_by_a_log_in_no_list(
    vector: Callable[[str], Certificate], logs_of_2022: LogList, logs_of_2025: LogList
):
    for sct in parse_sct_list(vector("badssl-sct.pem").sct_list or b""):
        assert logs_of_2022.by_id(sct.log_id) is None
        assert logs_of_2025.by_id(sct.log_id) is None


@pytest.mark.parametrize("name", ["cryptography-scts.pem", "badssl-sct.pem"])
def test_an_independent_parser_reads_the_same(name: str, vector: Callable[[str], Certificate]):
    certificate = vector(name)
    theirs = (
        x509
        .load_der_x509_certificate(certificate.der)
        .extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
        .value
    )
    ours = parse_sct_list(certificate.sct_list or b"")
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.log_id == other.log_id
        assert mine.time.replace(tzinfo=None) == other.timestamp
        assert mine.signature == other.signature
        assert mine.extensions == other.extension_bytes


def flip(value: bytes, data: st.DataObject) -> bytes:
    """``value`` with one bit flipped."""
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    return value[: bit // 8] + bytes((value[bit // 8] ^ 1 << bit % 8,)) + value[bit // 8 + 1 :]
