"""Witnesses' cosignatures: the specification's and sunlight's, ours, and what is none."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from verifier.algorithms import PrivateKey
from verifier.errors import InvalidSignature, MalformedInput, UnsupportedAlgorithm
from verifier.transparency.checkpoint import Checkpoint, parse_checkpoint
from verifier.transparency.cosignature import Cosignature, Witness, cosign, verify_cosignature
from verifier.transparency.note import NoteSignature

NAME = "witness.example/w1"
CHECKPOINT = Checkpoint("log.example", 5, bytes(32), (NoteSignature("log.example", b"abcd", b"sig"),))
SECONDS = 1_700_000_000


@pytest.fixture
def witness(keys: dict[str, PrivateKey]) -> Witness:
    return Witness(NAME, keys["ed25519"].public_key)


@pytest.mark.parametrize(
    ("name", "verifier_key"),
    [
        ("witnessed", "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN"),
        ("mirror", "mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O"),
    ],
)
def test_sunlights_cosignatures_verify(data: Path, name: str, verifier_key: str):
    witness = Witness.parse(verifier_key)
    assert witness.encode() == verifier_key
    checkpoint = parse_checkpoint((data / "sunlight" / f"{name}.checkpoint").read_bytes())
    assert verify_cosignature(checkpoint, witness) == datetime(2025, 12, 31, tzinfo=UTC)
    with pytest.raises(InvalidSignature):
        verify_cosignature(replace(checkpoint, size=301), witness)


def test_a_cosignature_of_ours_verifies(keys: dict[str, PrivateKey], witness: Witness):
    line = cosign(CHECKPOINT, NAME, keys["ed25519"], SECONDS)
    checkpoint = parse_checkpoint(replace(CHECKPOINT, signatures=(*CHECKPOINT.signatures, line)).encode())
    assert verify_cosignature(checkpoint, witness) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    message = f"cosignature/v1\ntime {SECONDS}\nlog.example\n5\n{b64encode(bytes(32)).decode()}\n"
    keys["ed25519"].public_key.verify(line.signature[8:], message.encode())


def test_what_the_witness_did_not_sign_is_refused(keys: dict[str, PrivateKey], witness: Witness):
    line = cosign(CHECKPOINT, NAME, keys["ed25519"], SECONDS)
    signed = replace(CHECKPOINT, signatures=(line,))
    later = replace(line, signature=(SECONDS + 1).to_bytes(8) + line.signature[8:])
    for other in (
        CHECKPOINT,  # no line of the witness
        replace(signed, size=6),
        replace(signed, origin="other.example"),
        replace(signed, root_hash=b"\x01" * 32),
        replace(signed, extensions=("more",)),
        replace(signed, signatures=(later,)),
        replace(signed, signatures=(line, later)),  # one good line does not excuse a bad one
        replace(signed, signatures=(replace(line, name="other.example"),)),
        replace(signed, signatures=(replace(line, key_id=b"abcd"),)),
    ):
        with pytest.raises(InvalidSignature):
            verify_cosignature(other, witness)
    for signature in (line.signature[:-1], line.signature + b"\x00", b"\xff" * 72):
        with pytest.raises(MalformedInput, match="cosignature"):
            verify_cosignature(replace(signed, signatures=(replace(line, signature=signature),)), witness)


def test_values_that_no_cosignature_has(keys: dict[str, PrivateKey]):
    for wrong in (Cosignature(-1, bytes(64)), Cosignature(2**63, bytes(64)), Cosignature(0, bytes(63))):
        with pytest.raises(MalformedInput, match="cosignature"):
            wrong.encode()
    with pytest.raises(MalformedInput, match="timestamp"):
        cosign(CHECKPOINT, NAME, keys["ed25519"], -1)
    with pytest.raises(MalformedInput, match="key name"):
        cosign(CHECKPOINT, "two words", keys["ed25519"], SECONDS)
    with pytest.raises(UnsupportedAlgorithm, match="expected Ed25519, got sm2"):
        Witness(NAME, keys["sm2"].public_key)


def test_verifier_keys_of_another_form_are_malformed(witness: Witness):
    name, identifier, key = witness.encode().split("+", 2)
    for wrong in (
        "",
        name,
        f"{name}+{identifier}",
        f"{name}+{identifier}+!",
        f"{name}+{identifier}+{key}=",
        f"{name}+00000000+{key}",
        f"{name}+{identifier.upper()}x+{key}",
        f"other.example+{identifier}+{key}",
        f"two words+{identifier}+{key}",
        f"{name}+{identifier}+{b64encode(bytes(33)).decode()}",
        f"{name}+{identifier}+{b64encode(bytes((4,)) + bytes(31)).decode()}",
        f"{name}+{identifier}+{b64encode(bytes((1,)) + witness.key.spki[-32:]).decode()}",
    ):
        with pytest.raises(MalformedInput):
            Witness.parse(wrong)
