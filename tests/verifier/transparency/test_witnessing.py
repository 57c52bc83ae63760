"""Requests to witnesses and the keys of logs: the specifications' examples, ours, and what is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.errors import InvalidSignature, MalformedInput, UnsupportedAlgorithm
from verifier.transparency.add_checkpoint import AddCheckpoint, parse_cosignatures
from verifier.transparency.checkpoint import Checkpoint, tree_head_to_checkpoint
from verifier.transparency.log_key import LogKey
from verifier.transparency.merkle import EMPTY_ROOT
from verifier.transparency.note import NoteSignature, parse_note, parse_verifier_key
from verifier.transparency.raw_ed25519 import from_raw
from verifier.transparency.tree_head import sign_tree_head

SPECIFICATION_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


def test_the_specifications_verifier_key_and_note(data: Path):
    text, (line,) = parse_note((data / "tlog" / "note.txt").read_bytes())
    key = LogKey.parse(SPECIFICATION_VKEY)
    assert key.encode() == SPECIFICATION_VKEY
    assert (line.name, line.key_id) == (key.origin, key.key_id)
    key.key.verify(line.signature, text.encode())


def test_the_specifications_request_and_answer(data: Path):
    body = (data / "tlog" / "add-checkpoint.txt").read_bytes()
    request = AddCheckpoint.parse(body)
    assert (request.old_size, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert request.encode() == body
    lines = parse_cosignatures((data / "tlog" / "answer.txt").read_bytes())
    assert [line.name for line in lines] == ["witness.example/w1"] * 2 + ["witness.example/w2"]


@pytest.mark.parametrize("body", [b"", b"\n", b"\xff\n", b"\xe2\x80\x94 w AAAAAAA=", b"not a line\n"])
def test_answers_that_are_none(body: bytes):
    with pytest.raises(MalformedInput):
        parse_cosignatures(body)


def checkpoint_of(key: PrivateKey, origin: str = "ct.example/log") -> Checkpoint:
    if key.public_key.algorithm is KeyAlgorithm.ED25519:
        unsigned = Checkpoint(origin, 0, EMPTY_ROOT, ())
        line = NoteSignature(origin, LogKey(origin, key.public_key).key_id, key.sign(unsigned.body.encode()))
        return replace(unsigned, signatures=(line,))
    return tree_head_to_checkpoint(sign_tree_head(0, 1, EMPTY_ROOT, key), origin, key.public_key.key_id)


@pytest.mark.parametrize("kind", ["ed25519", "sm2", "ecdsa", "rsa"])
def test_a_log_key_of_every_kind(keys: dict[str, PrivateKey], kind: str):
    key = LogKey("ct.example/log", keys[kind].public_key)
    assert LogKey.parse(key.encode()) == key
    checkpoint = checkpoint_of(keys[kind])
    key.verify(checkpoint)
    key.verify(
        replace(checkpoint, signatures=(NoteSignature("x.example", b"abcd", b"s"), *checkpoint.signatures))
    )
    (line,) = checkpoint.signatures
    flipped = replace(line, signature=line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    for wrong in (
        replace(checkpoint, size=1),
        replace(checkpoint, origin="other.example"),
        replace(checkpoint, signatures=()),
        replace(checkpoint, signatures=(flipped,)),
        replace(checkpoint, signatures=(line, flipped)),
        replace(checkpoint, signatures=(replace(line, name="other.example"),)),
        replace(checkpoint, signatures=(replace(line, key_id=b"abcd"),)),
    ):
        with pytest.raises((InvalidSignature, MalformedInput)):
            key.verify(wrong)


def test_a_key_whose_name_is_not_the_origin(keys: dict[str, PrivateKey]):
    """Allowed for notes (tlog-checkpoint); under an RFC 6962 signature the two are one (static-ct-api)."""
    vkey = LogKey("key.example", keys["ed25519"].public_key).encode()
    key = LogKey.parse(vkey, "The Log")
    assert (key.origin, key.name, key.encode()) == ("The Log", "key.example", vkey)
    unsigned = Checkpoint("The Log", 0, EMPTY_ROOT, ())
    signature = keys["ed25519"].sign(unsigned.body.encode())
    checkpoint = replace(unsigned, signatures=(NoteSignature("key.example", key.key_id, signature),))
    key.verify(checkpoint)
    for wrong in (LogKey.parse(vkey), LogKey.parse(vkey, "Another Log")):
        with pytest.raises(InvalidSignature):
            wrong.verify(checkpoint)
    assert LogKey.parse(vkey, "key.example") == LogKey.parse(vkey)
    for origin in ("", "two\nlines"):
        with pytest.raises(MalformedInput, match="one line"):
            LogKey.parse(vkey, origin)
    for kind in ("sm2", "ecdsa", "rsa"):
        with pytest.raises(MalformedInput, match="which is of type 0x05"):
            LogKey.parse(LogKey("ct.example/log", keys[kind].public_key).encode(), "other.example")


def test_verifier_keys_of_another_form(keys: dict[str, PrivateKey]):
    name, identifier, _, material = parse_verifier_key(SPECIFICATION_VKEY)
    key = SPECIFICATION_VKEY.split("+", 2)[2]
    for wrong in (
        f"example.org/foo+{identifier.hex()}+{key}",
        f"{name}+{identifier.hex().upper()}+{key}",
        f"{name}+{identifier.hex()}",
        f"{name}+{identifier.hex()}+",
        f"{name}+{identifier.hex()}+{key}x",
        LogKey(name, keys["sm2"].public_key).encode().replace("+BTB", "+ATB"),
        "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
    ):
        with pytest.raises(MalformedInput):
            LogKey.parse(wrong)
    with pytest.raises(MalformedInput, match="32 bytes"):
        from_raw(material + b"x")
    with pytest.raises(UnsupportedAlgorithm):
        LogKey(name, PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384").public_key)
    with pytest.raises(MalformedInput, match="key name"):
        LogKey("two words", keys["sm2"].public_key)
