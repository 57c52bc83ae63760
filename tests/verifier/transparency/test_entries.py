"""Entries, leaves and chains: their bytes, and what is not one."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import MalformedInput
from verifier.transparency.entries import (
    EntryType,
    PrecertEntry,
    TimestampedEntry,
    X509Entry,
    leaf_hash,
    merkle_tree_leaf,
    parse_merkle_tree_leaf,
    signed_data,
)
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry, parse_extra_data
from verifier.transparency.moments import MAX_TIMESTAMP, to_datetime, to_timestamp

HASH = sha256(b"issuer").digest()
DER = st.binary(min_size=1, max_size=60)
ENTRIES = st.builds(X509Entry, DER) | st.builds(PrecertEntry, st.binary(min_size=32, max_size=32), DER)
TIMESTAMPED = st.builds(TimestampedEntry, st.integers(0, MAX_TIMESTAMP), ENTRIES, st.binary(max_size=20))


@given(TIMESTAMPED)
def test_a_leaf_reads_as_it_was_written(timestamped: TimestampedEntry):
    leaf = timestamped.merkle_tree_leaf()
    assert parse_merkle_tree_leaf(leaf) == timestamped
    assert timestamped.leaf_hash() == leaf_hash(leaf) == sha256(b"\x00" + leaf).digest()
    assert leaf == merkle_tree_leaf(timestamped.entry, timestamped.timestamp, timestamped.extensions)
    assert signed_data(timestamped.entry, timestamped.timestamp, timestamped.extensions) == leaf


def test_the_bytes_are_those_of_the_rfc():
    assert signed_data(X509Entry(b"certificate"), 0x0102, b"ext").hex() == (
        "00" "00" "0000000000000102" "0000" "00000b" + b"certificate".hex() + "0003" + b"ext".hex()
    )  # fmt: skip
    assert merkle_tree_leaf(PrecertEntry(HASH, b"tbs"), 0x0102, b"").hex() == (
        "00" "00" "0000000000000102" "0001" + HASH.hex() + "000003" + b"tbs".hex() + "0000"
    )  # fmt: skip
    assert X509Entry(b"certificate").entry_type is EntryType.X509_ENTRY
    assert TimestampedEntry(1000, X509Entry(b"c")).time == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: X509Entry(b"").encode(), "expected 1 to 16777215 bytes, got 0"),
        (lambda: X509Entry(bytes(2**24)).encode(), "got 16777216"),
        (lambda: PrecertEntry(HASH[1:], b"tbs").encode(), "issuer_key_hash: expected 32 bytes, got 31"),
        (lambda: PrecertEntry(HASH, b"").encode(), "PrecertEntry.tbs"),
        (lambda: merkle_tree_leaf(X509Entry(b"c"), -1, b""), "TimestampedEntry.timestamp"),
        (lambda: merkle_tree_leaf(X509Entry(b"c"), 0, bytes(2**16)), "TimestampedEntry.extensions"),
        (lambda: PrecertChainEntry(b"", ()).encode(), "pre_certificate"),
        (lambda: X509ChainEntry((b"",)).encode(), "certificate_chain"),
        (lambda: X509ChainEntry((bytes(2**23),) * 2).encode(), "certificate_chain"),
    ],
)
def test_values_that_no_entry_has_are_not_written(make, problem: str):
    with pytest.raises(MalformedInput, match=problem):
        make()


def leaf(*, version="0000", timestamp="0000000000000000", kind="0000", certificate="00000163", rest="0000"):
    return bytes.fromhex(version + timestamp + kind + certificate + rest)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (leaf(version="0100"), "expected a timestamped entry of version 1, got 0100"),
        (leaf(version="0001"), "got 0001"),
        (leaf(kind="0002"), "entry_type"),
        (leaf(kind="8000"), "entry_type"),
        (leaf(timestamp="f" * 16), "timestamp"),
        (leaf(certificate="000000"), "x509_entry: expected 1 to"),
        (leaf(certificate="ffffff63"), "x509_entry: expected 16777215 bytes, 3 are left"),
        (leaf(rest="0000ff"), "1 bytes are left over"),
        (leaf(rest="00"), "extensions: expected 2 bytes, 1 are left"),
    ],
)
def test_leaves_of_another_form_are_malformed(data: bytes, problem: str):
    assert parse_merkle_tree_leaf(leaf()) == TimestampedEntry(0, X509Entry(b"c"))
    with pytest.raises(MalformedInput, match=problem):
        parse_merkle_tree_leaf(data)


@given(st.lists(DER, max_size=4), DER)
def test_extra_data_reads_as_it_was_written(certificates: list[bytes], precertificate: bytes):
    chain = X509ChainEntry(tuple(certificates))
    assert X509ChainEntry.parse(chain.encode()) == chain
    assert parse_extra_data(X509Entry(b"c"), chain.encode()) == chain
    precert = PrecertChainEntry(precertificate, tuple(certificates))
    assert PrecertChainEntry.parse(precert.encode()) == precert
    assert parse_extra_data(PrecertEntry(HASH, b"tbs"), precert.encode()) == precert


def test_extra_data_has_the_bytes_of_the_rfc():
    assert X509ChainEntry((b"ab", b"c")).encode().hex() == "000009000002616200000163"
    assert PrecertChainEntry(b"pre", (b"c",)).encode().hex() == "00000370726500000400000163"
    with pytest.raises(MalformedInput, match="left over"):
        X509ChainEntry.parse(b"\x00\x00\x00!")
    with pytest.raises(MalformedInput, match="left over"):
        PrecertChainEntry.parse(PrecertChainEntry(b"pre", ()).encode() + b"!")


def test_moments_are_whole_milliseconds():
    moment = datetime(2026, 1, 31, 12, 0, 0, 123_999, tzinfo=UTC)
    assert to_datetime(to_timestamp(moment)) == moment.replace(microsecond=123_000)
    assert to_datetime(MAX_TIMESTAMP).year == 9999
    with pytest.raises(MalformedInput, match="timestamp"):
        to_timestamp(datetime(1969, 12, 31, tzinfo=UTC))
