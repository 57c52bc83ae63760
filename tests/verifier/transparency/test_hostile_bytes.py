"""Hostile bytes into every parser: a value, or the room's error, and nothing else.

What parses is written again as the very bytes that were read, where the form is a binary one: so no two
inputs mean the same, and nothing that was read goes unaccounted for.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.algorithms import PrivateKey
from verifier.errors import InvalidProof, InvalidSignature, MalformedInput
from verifier.transparency import api, merkle
from verifier.transparency.add_checkpoint import AddCheckpoint, parse_cosignatures
from verifier.transparency.checkpoint import Checkpoint, tree_head_to_checkpoint, verify_checkpoint
from verifier.transparency.cosignature import Cosignature, Witness, cosign
from verifier.transparency.digitally_signed import DigitallySigned
from verifier.transparency.entries import PrecertEntry, TimestampedEntry, X509Entry, parse_merkle_tree_leaf
from verifier.transparency.extensions import leaf_index
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.log_key import LogKey
from verifier.transparency.log_list import parse_log_list
from verifier.transparency.note import encode_note, parse_note
from verifier.transparency.sct import (
    SignedCertificateTimestamp,
    encode_sct_list,
    parse_sct_list,
    sct_extensions,
)
from verifier.transparency.tiles import Tile, TileLeaf, encode_data_tile, parse_data_tile
from verifier.transparency.tree_head import sign_tree_head

PRECERT = TimestampedEntry(5, PrecertEntry(bytes(32), b"tbs"), sct_extensions(1))
X509 = TimestampedEntry(5, X509Entry(b"certificate"))
SCT = SignedCertificateTimestamp(bytes(32), 5, sct_extensions(1), 0x0708, b"signature")
NOTE = f"log.example\n5\n{'A' * 43}=\n\n\u2014 log.example YWJjZHNpZw==\n".encode()
LISTED = {
    "operators": [
        {
            "name": "Operator",
            "logs": [{"key": "AAAA", "log_id": "AAAA", "url": "https://log.example/", "mmd": 1, "state": {}}],
            "tiled_logs": [{"previous_operators": [{}], "temporal_interval": {}}],
        }
    ],
    "log_list_timestamp": "2026-01-31T12:00:00Z",
}


class Parser(NamedTuple):
    """A parser, the writer that undoes it (None where several inputs may mean the same), and a good input."""

    parse: Callable[[bytes], object]
    write: Callable[..., bytes] | None
    good: bytes


def as_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode("latin-1"))


def range_of(size: int) -> merkle.CompactRange:
    grown = merkle.CompactRange()
    grown.extend([bytes((number,)) * 32 for number in range(size)])
    return grown


PARSERS = {
    "sct": Parser(SignedCertificateTimestamp.parse, SignedCertificateTimestamp.encode, SCT.encode()),
    "sct list": Parser(parse_sct_list, encode_sct_list, encode_sct_list([SCT, SCT])),
    "extensions": Parser(leaf_index, None, sct_extensions(1)),
    "digitally signed": Parser(DigitallySigned.parse, DigitallySigned.encode, b"\x07\x08\x00\x03sig"),
    "leaf": Parser(parse_merkle_tree_leaf, TimestampedEntry.merkle_tree_leaf, PRECERT.merkle_tree_leaf()),
    "chain": Parser(X509ChainEntry.parse, X509ChainEntry.encode, X509ChainEntry((b"a", b"b")).encode()),
    "precert chain": Parser(
        PrecertChainEntry.parse, PrecertChainEntry.encode, PrecertChainEntry(b"pre", (b"a", b"b")).encode()
    ),
    "data tile": Parser(
        lambda data: parse_data_tile(data, 2),
        encode_data_tile,
        encode_data_tile([TileLeaf(X509, None, (bytes(32),)), TileLeaf(PRECERT, b"pre", ())]),
    ),
    "tile": Parser(Tile(0, 0, 2).parse_hashes, b"".join, bytes(64)),
    "tile path": Parser(as_text(Tile.parse_path), lambda tile: tile.path.encode(), b"tile/0/x001/002.p/3"),
    "compact range": Parser(merkle.CompactRange.parse, merkle.CompactRange.encode, range_of(11).encode()),
    "note": Parser(parse_note, lambda note: encode_note(*note), NOTE),
    "checkpoint": Parser(Checkpoint.parse, Checkpoint.encode, NOTE),
    "cosignature": Parser(Cosignature.parse, Cosignature.encode, bytes(72)),
    "verifier key": Parser(
        as_text(Witness.parse),
        lambda witness: witness.encode().encode(),
        b"witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
    ),
    "log key": Parser(
        as_text(LogKey.parse),
        lambda key: key.encode().encode(),
        b"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ),
    "add-checkpoint": Parser(
        AddCheckpoint.parse, AddCheckpoint.encode, b"old 3\n%s=\n\n%s" % (b"A" * 43, NOTE)
    ),
    "cosignatures": Parser(
        parse_cosignatures,
        lambda lines: "".join(line.encode() for line in lines).encode(),
        "\u2014 witness.example YWJjZHNpZw==\n".encode(),
    ),
    "log list": Parser(lambda data: parse_log_list(data, "list"), None, json.dumps(LISTED).encode()),
    "sct answer": Parser(api.parse_sct_response, None, json.dumps(api.sct_response(SCT)).encode()),
    "sth answer": Parser(
        api.parse_sth_response,
        None,
        b'{"tree_size": 1, "timestamp": 1, "sha256_root_hash": "%s", "tree_head_signature": ""}'
        % (b"A" * 43 + b"="),
    ),
    "proof answer": Parser(api.parse_proof_response, None, b'{"leaf_index": 1, "audit_path": ["AAAA"]}'),
    "entries answer": Parser(
        api.parse_entries_response, None, b'{"entries": [{"leaf_input": "AAAA", "extra_data": ""}]}'
    ),
}
each_parser = pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS.keys())


def check(parser: Parser, data: bytes) -> None:
    """``data`` is a value that is written as it was read, or malformed."""
    try:
        value = parser.parse(data)
    except MalformedInput:
        return
    if parser.write:
        assert parser.write(value) == data


def test_the_good_inputs_are_good():
    for name, parser in PARSERS.items():
        if name != "log list":
            parser.parse(parser.good)
        check(parser, parser.good)


@each_parser
@given(data=st.binary(max_size=300))
@example(data=b"")
@example(data=b"\xff" * 300)
@example(data=bytes(300))
def test_arbitrary_bytes(parser: Parser, data: bytes):
    check(parser, data)


@each_parser
@given(data=st.data())
def test_damaged_bytes(parser: Parser, data: st.DataObject):
    """A few bytes of a good input replaced, cut out or put in."""
    damaged = parser.good
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        end = data.draw(st.integers(start, min(start + 4, len(damaged))))
        damaged = damaged[:start] + data.draw(st.binary(max_size=4)) + damaged[end:]
    check(parser, damaged)


@each_parser
def test_every_truncation(parser: Parser):
    for end in range(len(parser.good)):
        check(parser, parser.good[:end])
        if parser.write and parser.parse is not PARSERS["tile path"].parse:
            with pytest.raises(MalformedInput):
                parser.parse(parser.good[:end])


@each_parser
def test_more_than_was_asked_for(parser: Parser):
    for more in (b"\x00", b"\xff", b"x"):
        if parser.write:
            with pytest.raises(MalformedInput):
                parser.parse(parser.good + more)
        check(parser, parser.good + more)
    check(parser, parser.good * 2)  # two notes are one note, whose text holds the first's signatures
    check(parser, parser.good * 100_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("AAAA"),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", ["log list", "sct answer", "sth answer", "proof answer", "entries answer"])
@given(data=st.data())
def test_values_of_other_types(name: str, data: st.DataObject):
    """One value anywhere in a good text replaced by any other."""
    value = json.loads(PARSERS[name].good)
    holder, key = data.draw(st.sampled_from(list(places(value))))
    holder[key] = data.draw(JSON)
    check(PARSERS[name], json.dumps(value).encode())


def places(value: object):
    """Every place of a JSON value that holds another."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        yield from places(child)


@given(
    index=st.integers(),
    size=st.integers(),
    proof=st.lists(st.binary(max_size=33) | st.just(bytes(32)), max_size=70),
    leaf=st.binary(max_size=33) | st.just(bytes(32)),
    root=st.binary(max_size=33) | st.just(bytes(32)),
)
@example(index=0, size=1, proof=[], leaf=bytes(32), root=bytes(32))
@example(index=2**62, size=2**63 - 1, proof=[bytes(32)] * 200_000, leaf=bytes(32), root=bytes(32))
def test_any_proof(index: int, size: int, proof: list[bytes], leaf: bytes, root: bytes):
    for check_proof in (
        lambda: merkle.verify_inclusion(leaf, index, size, proof, root),
        lambda: merkle.verify_consistency(index, size, leaf, root, proof),
    ):
        try:
            check_proof()
        except InvalidProof:
            continue
        assert leaf == root  # the hashes are made up: only where none is needed can they be right


@given(data=st.data())
def test_a_damaged_checkpoint_verifies_as_no_other_tree(keys: dict[str, PrivateKey], data: st.DataObject):
    """Whatever is done to a published checkpoint: it says the same tree head, or it is refused."""
    key = keys["ecdsa"]
    head = sign_tree_head(300, 5, bytes(32), key)
    checkpoint = tree_head_to_checkpoint(head, "log.example", key.public_key.key_id)
    line = cosign(checkpoint, "witness.example", keys["ed25519"], 5)
    good = Checkpoint("log.example", 300, bytes(32), (*checkpoint.signatures, line)).encode()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(start + 3, len(good))))
    damaged = good[:start] + data.draw(st.binary(max_size=3)) + good[end:]
    try:
        verified = verify_checkpoint(damaged, "log.example", key.public_key)
    except (MalformedInput, InvalidSignature):
        return
    assert verified == head
