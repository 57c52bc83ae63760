"""RFC 6962 section 4 over HTTP, checked by a second implementation written from the RFC's definitions."""

import base64
import hashlib
import json
import struct

import pytest

from tests.web.logs.conftest import fill
from tlog.ct import ClosedLog
from verifier.algorithms import PublicKey
from verifier.transparency import api
from verifier.transparency.entries import X509Entry
from verifier.transparency.verify import verify_sct
from web.logs.listing import listing

NAMES = ["sm2", "p256"]
NOWHERE = "A" * 43 + "="


def mth(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1, word for word, over the leaves themselves."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = largest_power_below(len(leaves))
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("name", NAMES)
def test_what_the_log_says_of_its_tree_is_what_its_entries_give(filled, name) -> None:
    entries = filled.ask(name, "get-entries", start=0, end=100)["entries"]
    leaves = [base64.b64decode(entry["leaf_input"]) for entry in entries]
    head = filled.ask(name, "get-sth")
    assert head["tree_size"] == len(leaves) == 7
    assert head["sha256_root_hash"] == b64(mth(leaves))
    for second in range(1, 8):
        for first in range(1, second + 1):
            answer = filled.ask(name, "get-sth-consistency", first=first, second=second)
            assert answer == {"consistency": [b64(node) for node in subproof(first, leaves[:second])]}
        for index in range(second):
            wanted = [b64(node) for node in path(index, leaves[:second])]
            leaf_hash = b64(hashlib.sha256(b"\0" + leaves[index]).digest())
            answer = filled.ask(name, "get-proof-by-hash", hash=leaf_hash, tree_size=second)
            assert answer == {"leaf_index": index, "audit_path": wanted}
            answer = filled.ask(name, "get-entry-and-proof", leaf_index=index, tree_size=second)
            assert answer == {**entries[index], "audit_path": wanted}


@pytest.mark.parametrize("name", NAMES)
def test_entries_can_be_read_in_any_parts(filled, name) -> None:
    whole = filled.ask(name, "get-entries", start=0, end=6)["entries"]
    assert filled.ask(name, "get-entries", start=2, end=4)["entries"] == whole[2:5]
    assert filled.ask(name, "get-entries", start=6, end=99999)["entries"] == whole[6:]


@pytest.mark.parametrize("name", NAMES)
def test_the_chain_beside_an_entry_leads_to_the_accepted_root(filled, ca, name) -> None:
    roots = filled.ask(name, "get-roots")["certificates"]
    assert roots == [b64(ca.anchor)]
    for number, entry in enumerate(filled.ask(name, "get-entries", start=0, end=6)["entries"]):
        extra = base64.b64decode(entry["extra_data"])
        if number % 2:  # PrecertChainEntry: the precertificate stands before the chain
            length = int.from_bytes(extra[:3])
            extra = extra[3 + length :]
        assert int.from_bytes(extra[:3]) == len(extra) - 3
        first = int.from_bytes(extra[3:6])
        assert extra[6 : 6 + first] == ca.der
        assert extra[9 + first :] == ca.anchor


def test_the_signatures_are_those_of_the_log_s_algorithm(filled, filled_logs) -> None:
    """TreeHeadSignature and DigitallySigned taken apart by hand; cryptography verifies the ECDSA one."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    for name, code in (("sm2", 0x0708), ("p256", 0x0403)):
        head = filled.ask(name, "get-sth")
        signed = base64.b64decode(head["tree_head_signature"])
        assert struct.unpack_from(">HH", signed) == (code, len(signed) - 4)
        data = struct.pack(">BBQQ", 0, 1, head["timestamp"], head["tree_size"])
        data += base64.b64decode(head["sha256_root_hash"])
        spki = filled_logs.keys[name].public_key.spki
        PublicKey.from_spki(spki).verify(signed[4:], data)
        if name == "p256":
            load_der_public_key(spki).verify(signed[4:], data, ec.ECDSA(hashes.SHA256()))


def test_a_resubmission_over_http_is_byte_for_byte_the_same(service, ca, logs) -> None:
    for name in NAMES:
        chain = ca.chain("again.example.test")
        first = service.submit(name, chain)
        assert service.submit(name, chain).data == first.data
        sct = api.parse_sct_response(first.data)
        verify_sct(sct, X509Entry(chain[0]), logs.keys[name].public_key)


QUESTIONS = [
    ("get-sth-consistency?first=0&second=3", 400, "at least 1"),
    ("get-sth-consistency?first=4&second=3", 400, "at most second"),
    ("get-sth-consistency?first=1&second=8", 400, "beyond the tree of 7"),
    ("get-sth-consistency?first=1", 400, "second is missing"),
    ("get-sth-consistency?first=-1&second=3", 400, "first is not a number"),
    ("get-sth-consistency?first=1&first=2&second=3", 400, "more than once"),
    ("get-proof-by-hash?hash=!!&tree_size=3", 400, "hash is not base64"),
    ("get-proof-by-hash?tree_size=3", 400, "the parameter hash is missing"),
    ("get-proof-by-hash?hash=&tree_size=3", 400, "hash has 0 bytes, expected 32 bytes"),
    ("get-proof-by-hash?hash=AAAA&tree_size=3", 400, "hash has 3 bytes, expected 32 bytes"),
    (f"get-proof-by-hash?hash={NOWHERE}&tree_size=3", 404, "no entry of this log has that hash"),
    (f"get-proof-by-hash?hash={NOWHERE}&tree_size=0", 400, "tree_size 0 is not between"),
    (f"get-proof-by-hash?hash={NOWHERE}&tree_size=8", 400, "tree_size 8 is not between"),
    (f"get-proof-by-hash?hash={NOWHERE}", 400, "tree_size is missing"),
    ("get-entries?start=3&end=2", 400, "start 3 is after end 2"),
    ("get-entries?start=7&end=9", 400, "beyond the last entry of a tree of 7"),
    ("get-entries?start=a&end=9", 400, "start is not a number: 'a'"),
    ("get-entries?start=01&end=9", 400, "start is not a number"),
    ("get-entries?start=%EF%BC%91&end=9", 400, "start is not a number"),
    (f"get-entries?start={10**30}&end={10**30}", 400, "beyond the last entry of a tree of 7"),
    (f"get-entries?start={2**62}&end={2**62}", 400, "beyond the last entry"),
    ("get-entries", 400, "start is missing"),
    ("get-entry-and-proof?leaf_index=7&tree_size=7", 400, "beyond the last entry"),
    ("get-entry-and-proof?leaf_index=0&tree_size=9", 400, "tree_size 9 is not between"),
    ("get-everything", 404, "RFC 6962 has no such message"),
    ("get-entries?start=0&end=1&x=" + "y" * 2000, 414, "at most 1024 are taken"),
]


@pytest.mark.parametrize("end", [2**63 - 1, 2**64, 99999999999999999999999999, "9" * 900])
def test_an_end_beyond_every_tree_is_the_tree_s_end(filled, end) -> None:
    assert len(filled.ask("p256", "get-entries", start="4", end=str(end))["entries"]) == 3


@pytest.mark.parametrize(
    ("question", "status", "reason"), QUESTIONS, ids=[question[:40] for question, *_ in QUESTIONS]
)
def test_a_wrong_question_is_answered_with_its_reason(filled, question, status, reason) -> None:
    answer = filled.get(f"/log/p256/ct/v1/{question}")
    assert answer.status == status
    assert reason in answer.json()["error_message"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_hash_is_compared_whole(filled) -> None:
    """The index keeps the beginning of each hash only."""
    entry = filled.ask("p256", "get-entries", start=2, end=2)["entries"][0]
    leaf_hash = hashlib.sha256(b"\0" + base64.b64decode(entry["leaf_input"])).digest()
    question = "/log/p256/ct/v1/get-proof-by-hash"
    other = leaf_hash[:-1] + bytes([leaf_hash[-1] ^ 1])
    for each, status in ((leaf_hash, 200), (other, 404)):
        assert filled.get(question, fields={"hash": b64(each), "tree_size": "7"}).status == status


def test_wrong_addresses_and_methods(filled) -> None:
    for path_, status in (("/", 404), ("/log//", 404), ("/log/other/ct/v1/get-sth", 404), ("/log/p256", 404)):
        assert filled.get(path_).status == status
    wrong = filled.post("p256", "get-sth", b"")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET, HEAD")
    wrong = filled.get("/log/p256/ct/v1/add-chain")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
    assert filled.http.request("HEAD", f"{filled.url}/log/p256/ct/v1/get-sth").data == b""


def test_a_hash_whose_plus_signs_were_not_escaped_is_understood(filled) -> None:
    leaf_hashes = [
        hashlib.sha256(b"\0" + base64.b64decode(entry["leaf_input"])).digest()
        for entry in filled.ask("p256", "get-entries", start=0, end=6)["entries"]
    ]
    for index, leaf_hash in enumerate(leaf_hashes):
        answer = filled.get(f"/log/p256/ct/v1/get-proof-by-hash?hash={b64(leaf_hash)}&tree_size=7")
        assert answer.json()["leaf_index"] == index


def test_a_damaged_tile_is_never_served_as_truth(service, tmp_path, ca) -> None:
    filled = service
    fill(service, ca)
    directory = tmp_path / "logs" / "p256"
    entry = filled.ask("p256", "get-entries", start=3, end=3)["entries"][0]
    leaf_hash = b64(hashlib.sha256(b"\0" + base64.b64decode(entry["leaf_input"])).digest())
    filled.submit("p256", ca.chain("more.example.test"))  # tiles of a width that no cache holds
    for tile in ("tile/data/000.p/8", "tile/0/000.p/8"):
        file = directory / tile
        data = file.read_bytes()
        file.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
        for question in ("get-entries?start=3&end=3", f"get-proof-by-hash?hash={leaf_hash}&tree_size=8"):
            answer = filled.get(f"/log/p256/ct/v1/{question}")
            if answer.status == 200:
                assert "tile/data" in tile, "entries and proofs built on a damaged hash tile"
                assert "audit_path" in answer.json()
            else:
                assert answer.json()["error_message"] == "the log could not read its own storage"
        file.write_bytes(data)
    assert filled.get("/log/p256/ct/v1/get-entries?start=3&end=3").status == 200


def test_the_logs_are_listed_with_their_addresses(filled) -> None:
    answer = filled.get("/log/")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "logs": [
            {
                "name": name,
                "address": f"/log/{name}/",
                "origin": f"logs.example.test/log/{name}",
                "state": "usable",
            }
            for name in ("p256", "sm2")
        ]
    }
    for log in answer.json()["logs"]:
        assert filled.get(log["address"] + "checkpoint").status == 200
    head = filled.http.request("HEAD", f"{filled.url}/log/")
    assert (head.status, head.data) == (200, b"")
    assert filled.http.request("POST", f"{filled.url}/log/", body=b"").status == 405


def test_a_log_whose_settings_cannot_be_read_is_listed_all_the_same(tmp_path) -> None:
    listed = listing({"broken": ClosedLog(tmp_path, "no log.toml")})
    assert json.loads(listed.body) == {"logs": [{"name": "broken", "address": "/log/broken/"}]}


def test_health_readiness_and_metrics(filled) -> None:
    assert filled.get("/healthz").data == b"ok\n"
    assert filled.get("/readyz").json() == {"logs": ["p256", "sm2"]}
    assert b'mingjing_log_entries{log="sm2"} 7\n' in filled.get("/metrics").data
