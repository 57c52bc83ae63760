"""Tree heads, and checkpoints as their other form: ours, sunlight's, and what is neither."""

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import PrivateKey, PublicKey
from verifier.errors import InvalidSignature, MalformedInput
from verifier.transparency.checkpoint import (
    Checkpoint,
    checkpoint_to_tree_head,
    parse_checkpoint,
    tree_head_to_checkpoint,
    verify_checkpoint,
)
from verifier.transparency.digitally_signed import LEGACY_SM2_CODEPOINT
from verifier.transparency.merkle import MAX_SIZE
from verifier.transparency.note import NoteSignature, encode_note, key_id, parse_note
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head, tree_head_signature_input

ORIGIN = "log.example/2026"
ROOT = sha256(b"root").digest()
TIME = 1_700_000_000_123


def published(key: PrivateKey, origin: str = ORIGIN) -> Checkpoint:
    head = sign_tree_head(300, TIME, ROOT, key)
    return tree_head_to_checkpoint(head, origin, key.public_key.key_id)


# --- tree heads --------------------------------------------------------------------------------------------


def test_the_signed_bytes_are_those_of_the_rfc():
    assert tree_head_signature_input(0x0A0B, 0x0102, ROOT).hex() == (
        "00" "01" "0000000000000102" "0000000000000a0b" + ROOT.hex()
    )  # fmt: skip


def test_a_tree_head_verifies_and_no_other_does(log_key: PrivateKey, keys: dict[str, PrivateKey]):
    head = sign_tree_head(300, TIME, ROOT, log_key)
    head.verify(log_key.public_key)
    for other in (
        replace(head, tree_size=301),
        replace(head, timestamp=TIME + 1),
        replace(head, root_hash=bytes(32)),
        replace(head, signature=head.signature[:-1] + bytes((head.signature[-1] ^ 1,))),
        replace(head, signature=b"\x06\x03" + head.signature[2:]),
    ):
        with pytest.raises(InvalidSignature):
            other.verify(log_key.public_key)
    for name, key in keys.items():
        if key is not log_key:
            with pytest.raises(InvalidSignature):
                head.verify(key.public_key)
            assert name
    with pytest.raises(MalformedInput, match="left over"):
        replace(head, signature=head.signature + b"\x00").verify(log_key.public_key)


def test_a_tree_head_under_the_older_code_point(keys: dict[str, PrivateKey]):
    head = sign_tree_head(1, TIME, ROOT, keys["sm2"], codepoint=LEGACY_SM2_CODEPOINT)
    head.verify(keys["sm2"].public_key, codepoint=LEGACY_SM2_CODEPOINT)
    with pytest.raises(InvalidSignature, match="expected 0x0708"):
        head.verify(keys["sm2"].public_key)


@pytest.mark.parametrize(
    "wrong",
    [(MAX_SIZE + 1, TIME, ROOT), (-1, TIME, ROOT), (1, -1, ROOT), (1, 2**63, ROOT), (1, TIME, ROOT[1:])],
)
def test_values_that_no_tree_head_has(wrong: tuple[int, int, bytes]):
    with pytest.raises(MalformedInput, match="tree head"):
        SignedTreeHead(*wrong, b"")


# --- checkpoints -------------------------------------------------------------------------------------------


def test_a_checkpoint_is_the_tree_head_in_another_form(log_key: PrivateKey):
    head = sign_tree_head(300, TIME, ROOT, log_key)
    data = tree_head_to_checkpoint(head, ORIGIN, log_key.public_key.key_id).encode()
    assert verify_checkpoint(data, ORIGIN, log_key.public_key) == head
    first, second, third, empty, signature, end = data.decode().split("\n")
    assert (first, second, third, empty, end) == (ORIGIN, "300", b64encode(ROOT).decode(), "", "")
    name = f"\u2014 {ORIGIN} "
    assert signature.startswith(name)
    signed = b64decode(signature.removeprefix(name))
    log_id = sha256(log_key.public_key.spki).digest()
    assert signed[:4] == sha256(ORIGIN.encode() + b"\n\x05" + log_id).digest()[:4]
    assert signed[4:] == TIME.to_bytes(8) + head.signature


def test_sunlights_checkpoint_verifies(data: Path):
    log = json.loads((data / "sunlight" / "rome.log.json").read_text())
    key = PublicKey.from_spki(b64decode(log["key"]))
    text = (data / "sunlight" / "rome.checkpoint").read_bytes()
    head = verify_checkpoint(text, "rome2026h1.example.org", key)
    final = log["final_tree_head"]
    assert (head.tree_size, head.timestamp) == (final["tree_size"], final["timestamp"])
    assert head.root_hash == b64decode(final["sha256_root_hash"])
    checkpoint = parse_checkpoint(text)
    assert checkpoint.encode() == text
    assert tree_head_to_checkpoint(head, "rome2026h1.example.org", key.key_id).encode() == text


def test_another_origin_key_or_tree_is_refused(keys: dict[str, PrivateKey]):
    checkpoint, key = published(keys["sm2"]), keys["sm2"].public_key
    with pytest.raises(InvalidSignature, match=r"checkpoint.origin: expected 'other.example'"):
        verify_checkpoint(checkpoint.encode(), "other.example", key)
    with pytest.raises(InvalidSignature, match="expected one signature of the log, got 0"):
        verify_checkpoint(checkpoint.encode(), ORIGIN, keys["ecdsa"].public_key)
    for other in (replace(checkpoint, size=301), replace(checkpoint, root_hash=bytes(32))):
        with pytest.raises(InvalidSignature):
            verify_checkpoint(other.encode(), ORIGIN, key)


def test_a_signature_under_the_name_of_another_key_is_refused(keys: dict[str, PrivateKey]):
    """The key id is only a hint: who copies it still has no signature."""
    forged = published(keys["ecdsa"]).signatures[0].signature
    identifier = key_id(ORIGIN, 5, keys["sm2"].public_key.key_id)
    checkpoint = replace(published(keys["sm2"]), signatures=(NoteSignature(ORIGIN, identifier, forged),))
    with pytest.raises(InvalidSignature, match="algorithm"):
        verify_checkpoint(checkpoint.encode(), ORIGIN, keys["sm2"].public_key)


def test_other_signatures_are_stepped_over(keys: dict[str, PrivateKey]):
    checkpoint, key = published(keys["sm2"]), keys["sm2"].public_key
    line = checkpoint.signatures[0]
    grease = (NoteSignature("grease.example", b"abcd", b"?"), NoteSignature(ORIGIN, b"abcd", b"?"))
    other_name = NoteSignature("other.example", line.key_id, b"?")
    mixed = replace(checkpoint, signatures=(*grease, line, other_name))
    assert verify_checkpoint(mixed.encode(), ORIGIN, key).tree_size == 300


def test_the_log_signs_once_and_without_extension_lines(keys: dict[str, PrivateKey]):
    checkpoint, key = published(keys["sm2"]), keys["sm2"].public_key
    line = checkpoint.signatures[0]
    twice = replace(checkpoint, signatures=(line, line))
    with pytest.raises(InvalidSignature, match="expected one signature of the log, got 2"):
        verify_checkpoint(twice.encode(), ORIGIN, key)
    extended = replace(checkpoint, extensions=("more",))
    assert parse_checkpoint(extended.encode()) == extended
    with pytest.raises(MalformedInput, match="no extension lines"):
        verify_checkpoint(extended.encode(), ORIGIN, key)
    longer = replace(checkpoint, signatures=(replace(line, signature=line.signature + b"\x00"),))
    with pytest.raises(MalformedInput, match="left over"):
        checkpoint_to_tree_head(longer, ORIGIN, key.key_id)


SIGNATURE = "\u2014 log.example/2026 YWJjZHNpZw==\n"
GOOD = f"{ORIGIN}\n300\n{b64encode(ROOT).decode()}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD, "expected a text, an empty line, and signature lines"),
        (GOOD + "\n", "expected a text, an empty line, and signature lines"),
        (GOOD + "\n" + SIGNATURE[:-1], "expected a text, an empty line, and signature lines"),
        (GOOD + "\n" + SIGNATURE + "\n", "expected a text, an empty line, and signature lines"),
        (GOOD + "\n" + SIGNATURE.replace("\u2014", "-"), "em dash"),
        (GOOD + "\n" + SIGNATURE.replace("\u2014 ", "\u2014"), "em dash"),
        (GOOD + "\n" + SIGNATURE.replace("log.example", "log+example"), "key name"),
        (GOOD + "\n" + SIGNATURE.replace("log.example", "log\u00a0example"), "key name"),
        (GOOD + "\n" + SIGNATURE.replace("log.example/2026", ""), "key name"),
        (GOOD + "\n" + SIGNATURE.replace(" YW", "  YW"), "base64"),
        (GOOD + "\n" + SIGNATURE.replace("==", "="), "base64"),
        (GOOD + "\n" + SIGNATURE.replace("Zw==", "Zx=="), "canonical"),
        (GOOD + "\n" + SIGNATURE.replace("YWJjZHNpZw==", "YWJjZA=="), "a key id of 4 bytes and a signature"),
        (GOOD + "\n" + SIGNATURE * 101, "at most 100 signatures, got 101"),
        (GOOD.replace("300", "0300") + "\n" + SIGNATURE, "checkpoint.size"),
        (GOOD.replace("300", "+300") + "\n" + SIGNATURE, "checkpoint.size"),
        (GOOD.replace("300", "3_0") + "\n" + SIGNATURE, "checkpoint.size"),
        (GOOD.replace("300", "\u0663") + "\n" + SIGNATURE, "checkpoint.size"),
        (GOOD.replace("300", str(2**63)) + "\n" + SIGNATURE, "checkpoint.size"),
        (GOOD.replace("300", "9" * 5000) + "\n" + SIGNATURE, "checkpoint.size"),
        (GOOD.replace("=", "") + "\n" + SIGNATURE, "checkpoint.root hash"),
        (f"{ORIGIN}\n300\nYWJj\n\n" + SIGNATURE, "checkpoint.root hash: expected 32 bytes, got 3"),
        (f"{ORIGIN}\n300\n\n" + SIGNATURE, "expected origin, size and root hash"),
        ("\n" + GOOD + "\n" + SIGNATURE, "no empty line"),
        (GOOD + "\n\n" + SIGNATURE, "no empty line"),
        (GOOD.replace("log", "l\rog") + "\n" + SIGNATURE, "control character"),
        (GOOD.replace("log", "l\0og") + "\n" + SIGNATURE, "control character"),
        (GOOD + "x" * 1_000_000 + "\n\n" + SIGNATURE, "at most 1000000 bytes"),
    ],
)
def test_checkpoints_of_another_form_are_malformed(text: str, problem: str):
    assert parse_checkpoint(f"{GOOD}\n{SIGNATURE}".encode()).size == 300
    with pytest.raises(MalformedInput, match=problem):
        parse_checkpoint(text.encode())


def test_a_checkpoint_is_utf8():
    with pytest.raises(MalformedInput, match="UTF-8"):
        parse_checkpoint(f"{GOOD}\n{SIGNATURE}".encode().replace(b"log", b"\xff"))


@pytest.mark.parametrize(
    "change",
    [
        {"origin": ""},
        {"origin": "two\nlines"},
        {"origin": "half\ud800"},
        {"size": -1},
        {"size": MAX_SIZE + 1},
        {"root_hash": b""},
        {"extensions": ("",)},
        {"extensions": ("two\n\nlines",)},
        {"signatures": ()},
        {"signatures": (NoteSignature("a b", b"abcd", b"sig"),)},
        {"signatures": (NoteSignature("a", b"abcde", b"sig"),)},
        {"signatures": (NoteSignature("a", b"abcd", b""),)},
        {"signatures": (NoteSignature("half\ud800", b"abcd", b"sig"),)},
    ],
)
def test_what_does_not_parse_is_not_written(change: dict[str, object]):
    checkpoint = Checkpoint(ORIGIN, 300, ROOT, (NoteSignature(ORIGIN, b"abcd", b"sig"),))
    with pytest.raises(MalformedInput):
        replace(checkpoint, **change).encode()


@given(
    st.builds(
        Checkpoint,
        origin=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1),
        size=st.integers(0, MAX_SIZE),
        root_hash=st.binary(min_size=32, max_size=32),
        signatures=st.tuples(
            st.builds(
                NoteSignature, st.just("name"), st.binary(min_size=4, max_size=4), st.binary(min_size=1)
            )
        ),
        extensions=st.lists(st.text("xyz \u955c", min_size=1), max_size=2).map(tuple),
    )
)
def test_a_checkpoint_reads_as_it_was_written(checkpoint: Checkpoint):
    assert parse_checkpoint(checkpoint.encode()) == checkpoint


def test_a_note_keeps_its_empty_lines():
    """signed-note's own example: the signatures begin after the last empty line."""
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n"
    line = "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc="
    note = f"{text}\n\u2014 quasimodo.example/salvatore {line}\n".encode()
    parsed, (signature,) = parse_note(note)
    assert parsed == text
    assert signature.key_id + signature.signature == b64decode(line)
    assert encode_note(parsed, [signature]) == note
    with pytest.raises(MalformedInput, match="ends with a newline"):
        encode_note("no newline", [signature])
