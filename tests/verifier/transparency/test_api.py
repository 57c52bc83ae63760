"""The answers of RFC 6962's API: as written and read, and what is none."""

import json
from base64 import b64encode
from dataclasses import replace

import pytest

from verifier.algorithms import PrivateKey
from verifier.errors import MalformedInput
from verifier.transparency import api
from verifier.transparency.entries import X509Entry
from verifier.transparency.sct import sct_extensions
from verifier.transparency.tree_head import sign_tree_head
from verifier.transparency.verify import sign_sct, verify_sct

NODES = (bytes(32), b"\x01" * 32)
TIME = 1_700_000_000_123


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def test_an_sct_travels_as_add_chain_has_it(log_key: PrivateKey):
    entry = X509Entry(b"certificate")
    sct = sign_sct(entry, TIME, sct_extensions(3), log_key)
    answer = api.sct_response(sct)
    assert list(answer) == ["sct_version", "id", "timestamp", "extensions", "signature"]
    assert (answer["sct_version"], answer["timestamp"], answer["extensions"]) == (0, TIME, "AAAFAAAAAAM=")
    assert api.parse_sct_response(dump(answer)) == sct
    verify_sct(api.parse_sct_response(dump({**answer, "more": []})), entry, log_key.public_key)


def test_a_tree_head_travels_as_get_sth_has_it(log_key: PrivateKey):
    head = sign_tree_head(300, TIME, NODES[1], log_key)
    answer = api.sth_response(head)
    assert list(answer) == ["tree_size", "timestamp", "sha256_root_hash", "tree_head_signature"]
    assert api.parse_sth_response(dump(answer)) == head


def test_proofs_entries_and_roots_travel():
    assert api.parse_consistency_response(dump(api.consistency_response(NODES))) == NODES
    assert api.consistency_response([]) == {"consistency": []}
    assert api.parse_proof_response(dump(api.proof_response(7, NODES))) == api.AuditPath(7, NODES)
    entries = (api.RawEntry(b"leaf", b"extra"), api.RawEntry(b"not a leaf", b""))
    assert api.parse_entries_response(dump(api.entries_response(entries))) == entries
    assert api.parse_roots_response(dump(api.roots_response([b"der"]))) == (b"der",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sct_version": 1}, "SCT.version: expected 0"),
        ({"sct_version": "0"}, "sct_version: expected an integer"),
        ({"id": "AAAA"}, "SCT.log_id: expected 32 bytes"),
        ({"timestamp": -1}, "timestamp: expected an integer"),
        ({"timestamp": 1e12}, "timestamp: expected an integer"),
        ({"extensions": None}, "extensions: expected a string"),
        ({"extensions": "AAA"}, "extensions: expected base64"),
        ({"extensions": "AAAFAAAAAAN="}, "extensions: expected base64"),
        ({"extensions": " AAAFAAAAAAM="}, "extensions: expected base64"),
        ({"signature": b64encode(b"\x04\x03\x00\x00").decode()}, "DigitallySigned.signature"),
        ({"signature": b64encode(b"\x04\x03\x00\x01s!").decode()}, "left over"),
    ],
)
def test_answers_of_another_form_are_malformed(
    keys: dict[str, PrivateKey], change: dict[str, object], problem: str
):
    answer = api.sct_response(sign_sct(X509Entry(b"certificate"), TIME, sct_extensions(3), keys["ecdsa"]))
    with pytest.raises(MalformedInput, match=problem):
        api.parse_sct_response(dump({**answer, **change}))


def test_tree_heads_of_another_form_are_malformed(keys: dict[str, PrivateKey]):
    head = sign_tree_head(300, TIME, NODES[1], keys["ecdsa"])
    answer = api.sth_response(head)
    for change in (
        {"tree_size": 2**63},
        {"tree_size": -1},
        {"timestamp": 2**63},
        {"sha256_root_hash": "AAAA"},
        {"tree_head_signature": 1},
    ):
        with pytest.raises(MalformedInput, match=next(iter(change)) + "|root_hash"):
            api.parse_sth_response(dump({**answer, **change}))
    with pytest.raises(MalformedInput, match="root_hash"):
        replace(head, root_hash=b"")


def test_answers_are_bounded():
    for parse in (api.parse_sct_response, api.parse_sth_response, api.parse_proof_response):
        with pytest.raises(MalformedInput, match="at most 1048576 bytes"):
            parse(b" " * (api.MAX_ANSWER_SIZE + 1))
    with pytest.raises(MalformedInput, match=r"entries\[0\].extra_data: expected this field"):
        api.parse_entries_response(dump({"entries": [{"leaf_input": ""}]}))
