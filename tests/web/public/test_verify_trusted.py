"""The checker and whom its reader trusts: logs from a list, witnesses by their keys; keys of every kind."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from verifier.algorithms import PrivateKey
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.tree_head import sign_tree_head

from .checking import check, codes, encoded, flip, head_json, proof_of

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-browser")]
ORIGIN, WITNESS, SECONDS = "mingjing.test/log/sm2", "witness.example/w1", 1_800_000_000


def key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def checkpoint(proof: dict) -> tuple[str, str]:
    """The proof's tree head as a checkpoint: the text that is cosigned, and the log's line under it."""
    head, log_id = proof["tree_head"], base64.b64decode(proof["log"]["log_id"])
    signed = head["timestamp"].to_bytes(8) + base64.b64decode(head["tree_head_signature"])
    line = f"— {ORIGIN} {encoded(key_id(ORIGIN, 5, log_id) + signed)}\n"
    return f"{ORIGIN}\n{head['tree_size']}\n{head['sha256_root_hash']}\n", line


class Witness:
    """Written from C2SP tlog-cosignature, over another Ed25519 than the checker's."""

    def __init__(self) -> None:
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(WITNESS, 4, self.public)

    @property
    def vkey(self) -> str:
        return f"{WITNESS}+{self.id.hex()}+{encoded(bytes([4]) + self.public)}"

    def line(self, body: str) -> str:
        signature = self.key.sign(f"cosignature/v1\ntime {SECONDS}\n{body}".encode())
        return f"— {WITNESS} {encoded(self.id + SECONDS.to_bytes(8) + signature)}\n"


@pytest.fixture(scope="module")
def witness() -> Witness:
    return Witness()


def last(result: dict) -> str:
    return f"{result['steps'][-1]['code']} {result['state']}"


def test_a_cosignature_of_a_trusted_witness_is_checked(saved, client, world, witness):
    proof = proof_of(client, world, "sm2")
    body, own = checkpoint(proof)
    note, line = f"{body}\n{own}{witness.line(body)}", witness.line(body)
    assert last(check(saved, proof, pasted=note, trusted=witness.vkey)) == "witness trusted"
    result = check(saved, proof, pasted=note.replace("\n", "\r\n"), trusted=f"\n{witness.vkey}\n")
    assert last(result) == "witness trusted"
    assert result["steps"][-1]["facts"] == {"name": WITNESS, "time": SECONDS * 1000}
    for at in (9, 11, 12, 40, 75):  # its time, its signature
        changed = f"— {WITNESS} {flip(line.split()[2], at)}\n"
        assert last(check(saved, proof, pasted=note.replace(line, changed), trusted=witness.vkey)) == (
            "witness refused"
        )
    longer = note.replace(f"\n\n{own}", f"\nan extension line\n\n{own}")
    assert last(check(saved, proof, pasted=longer, trusted=witness.vkey)) == "witness refused"
    cut = note.replace(line, f"— {WITNESS} {encoded(witness.id + bytes(71))}\n")
    assert last(check(saved, proof, pasted=cut, trusted=witness.vkey)) == "witnesses-unreadable refused"


def test_a_witness_who_did_not_sign_is_missed(saved, client, world, witness):
    proof = proof_of(client, world, "sm2")
    body, own = checkpoint(proof)
    assert (
        last(check(saved, proof, pasted=f"{body}\n{own}", trusted=witness.vkey)) == "witness-absent unknown"
    )
    assert last(check(saved, proof, trusted=witness.vkey)) == "witness-absent unknown"
    asked = json.dumps(proof["tree_head"])
    assert last(check(saved, proof, pasted=asked, trusted=witness.vkey)) == "witness-absent unknown"
    other = f"{body}\n{own}{Witness().line(body)}"
    assert last(check(saved, proof, pasted=other, trusted=witness.vkey)) == "witness-absent unknown"


def test_whom_the_reader_trusts_must_be_readable(saved, client, world, witness):
    proof = proof_of(client, world, "sm2")
    wrong_id = witness.vkey.replace(witness.id.hex(), "00000000")
    log_key = f"{WITNESS}+{key_id(WITNESS, 1, witness.public).hex()}+{encoded(bytes([1]) + witness.public)}"
    for text, reason in (
        (wrong_id, "vkey-id"), (log_key, "vkey-kind"), ("{", "no-list"), ("{}", "no-list"),
        ("AAAA", "node-size"), ("what is this?", "base64-broken"),
        ('{"operators": [{"logs": [{}]}]}', "base64-expected"),
    ):  # fmt: skip
        result = check(saved, proof, trusted=text)
        assert last(result) == "listed-unreadable refused"
        assert result["steps"][-1]["facts"]["reason"]["code"] == reason


def test_a_log_is_looked_for_among_those_that_the_reader_trusts(saved, client, world):
    proof = proof_of(client, world, "p256")
    log_id, other = proof["log"]["log_id"], encoded(bytes(32))
    digest = base64.b64decode(log_id).hex()
    colons = ":".join(digest[at : at + 2] for at in range(0, 64, 2))
    lists = [
        log_id, f"{other}\n{log_id}", digest, digest.upper(), colons,
        json.dumps({"operators": [{"logs": [{"log_id": other}]}, {"tiled_logs": [{"log_id": log_id}]}]}),
    ]  # fmt: skip
    for trusted in lists:
        assert codes(check(saved, proof, trusted=trusted))["listed"] == "trusted"
    for trusted in (other, json.dumps({"operators": [{"logs": [{"log_id": other}]}]})):
        assert last(check(saved, proof, trusted=trusted)) == "listed refused"
    assert "listed" not in codes(check(saved, proof))


# keys

READ = """([spki, head]) => {
  const { readKey, readHead, verifySigned, fromBase64 } = Mingjing;
  const read = readHead(head);
  return verifySigned(readKey(fromBase64(spki, "key")), read.signed, read.signature);
}"""


def test_rsa_logs_are_checked_too(saved):
    generated = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = PrivateKey.from_pkcs8(generated.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    head = head_json(sign_tree_head(1, 1_700_000_000_000, hash_leaf(b"x"), key))
    spki = encoded(key.public_key.spki)
    assert saved.evaluate(READ, [spki, head]) is True
    assert saved.evaluate(READ, [spki, {**head, "timestamp": 1_700_000_000_001}]) is False
    changed = {**head, "tree_head_signature": flip(head["tree_head_signature"])}
    assert saved.evaluate(READ, [spki, changed]) is False


def with_key(proof: dict, spki: bytes) -> dict:
    """The proof as if it were of a log with this key."""
    told = {"key": encoded(spki), "log_id": encoded(hashlib.sha256(spki).digest())}
    return {**proof, "log": proof["log"] | told}


def der(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_key_of_an_unknown_kind_is_said_not_to_be_checkable_and_never_good(saved, client, world):
    proof = proof_of(client, world, "p256")
    for key in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        result = check(saved, with_key(proof, der(key.public_key())), pasted=json.dumps(proof["tree_head"]))
        assert result["state"] == "unknown"
        found = codes(result)
        assert {found[f"{step}-unsupported"] for step in ("log", "head", "elsewhere")} == {"unknown"}
        assert found["inclusion"] == "trusted"


def test_weak_and_impossible_keys_are_refused(saved, client, world):
    proof = proof_of(client, world, "p256")
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505  refused for that
    even = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    exponent = der(even).replace(b"\2\3\1\0\1", b"\2\3\1\0\2")
    off_curve = {
        log: base64.b64decode(flip(proof_of(client, world, log)["log"]["key"])) for log in ("sm2", "p256")
    }
    for spki, reason in (
        (der(small), "rsa-size"), (exponent, "rsa-exponent"), (off_curve["sm2"], "key-point"),
        (off_curve["p256"], "key-point"),
    ):  # fmt: skip
        result = check(saved, with_key(proof, spki))
        assert last(result) == "log-unreadable refused"
        assert result["steps"][-1]["facts"]["reason"]["code"] == reason


def test_another_log_of_the_same_kind_did_not_sign_this(saved, client, world):
    proof = proof_of(client, world, "p256")
    stranger = der(ec.generate_private_key(ec.SECP256R1()).public_key())
    result = codes(check(saved, with_key(proof, stranger) | {"certificate": None}))
    assert result["certificate-unreadable"] == "refused"
    without = {key: value for key, value in with_key(proof, stranger).items() if key != "certificate"}
    assert codes(check(saved, without))["head"] == "refused"
    assert codes(check(saved, with_key(proof, stranger)))["promise-none"] == "unknown"
    assert check(saved, with_key(proof, stranger))["state"] == "refused"
