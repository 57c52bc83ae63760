"""Signed notes, the text form in which logs and witnesses publish what they sign (C2SP signed-note)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from verifier.errors import MalformedInput
from verifier.transparency import wire
from verifier.transparency.strict_json import decode_base64, encode_base64

MAX_NOTE_SIZE: Final = 1_000_000  # bytes, as golang.org/x/mod/sumdb/note has it
MAX_SIGNATURES: Final = 100  # likewise; the specification asks for at least 16
KEY_ID_SIZE: Final = 4  # bytes

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_A_NAME = re.compile(r"[\s+\ud800-\udfff]")  # Unicode's spaces; half a character is no character

_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_VERIFIER_KEY_PARTS = 3

_DASH = "\u2014 "  # em dash, space
_MIN_SIGNATURE_SIZE = KEY_ID_SIZE + 1


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the name of a key, its id of 4 bytes, and what it signed with."""

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> str:
        """The line; ``MalformedInput`` for values that it cannot have."""
        signed = wire.fixed(self.key_id, KEY_ID_SIZE, "note signature.key id") + self.signature
        return f"{_DASH}{check_key_name(self.name)} {encode_base64(signed)}\n"

    @classmethod
    def parse(cls, line: str) -> "NoteSignature":
        """From a line without its end; ``MalformedInput``."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH):
            raise MalformedInput("note signature: expected a line that begins with an em dash and a space")
        try:
            signed = decode_base64(encoded)
        except MalformedInput as error:
            raise MalformedInput(f"note signature: {error}") from None
        if len(signed) < _MIN_SIGNATURE_SIZE:
            raise MalformedInput("note signature: expected a key id of 4 bytes and a signature")
        return cls(check_key_name(name), signed[:KEY_ID_SIZE], signed[KEY_ID_SIZE:])


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The id of a key of signature type ``kind``: SHA-256(name, newline, type, key), its first 4 bytes."""
    return sha256(check_key_name(name).encode() + b"\n" + bytes((kind,)) + public_key).digest()[:KEY_ID_SIZE]


def parse_note(data: bytes) -> tuple[str, tuple[NoteSignature, ...]]:
    """The text of a note, with its final newline, and its signatures, at least one; ``MalformedInput``.

    Nothing is verified: a text whose signatures nobody checked says nothing.
    """
    if len(data) > MAX_NOTE_SIZE:
        raise MalformedInput(f"note: expected at most {MAX_NOTE_SIZE} bytes, got {len(data)}")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise MalformedInput("note: expected UTF-8") from None
    _check_characters(whole)
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise MalformedInput("note: expected a text, an empty line, and signature lines")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedInput(f"note: expected at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    return text + "\n", tuple(NoteSignature.parse(line) for line in lines)


def encode_note(text: str, signatures: Iterable[NoteSignature]) -> bytes:
    """A note of ``text``, which ends with a newline; ``MalformedInput`` where ``parse_note`` refuses it."""
    if not text.endswith("\n"):
        raise MalformedInput("note: expected a text that ends with a newline")
    whole = text + "\n" + "".join(signature.encode() for signature in signatures)
    try:
        note = whole.encode()
    except UnicodeEncodeError:
        raise MalformedInput("note: expected a text of whole characters") from None
    parse_note(note)
    return note


def verifier_key(name: str, identifier: bytes, kind: int, public_key: bytes) -> str:
    """A key in one line (vkey): its name, its id in hexadecimal, and type and key in base64."""
    return f"{check_key_name(name)}+{identifier.hex()}+{encode_base64(bytes((kind,)) + public_key)}"


def parse_verifier_key(text: str) -> tuple[str, bytes, int, bytes]:
    """Name, id, signature type and key of a vkey; ``MalformedInput``.

    That the id is that of this name and key is the caller's to check: each type makes its ids in its own way.
    """
    parts = text.split("+", _VERIFIER_KEY_PARTS - 1)
    if len(parts) != _VERIFIER_KEY_PARTS or not _KEY_ID.fullmatch(parts[1]):
        raise MalformedInput("verifier key: expected a name, a key id and a key, joined by plus signs")
    try:
        material = decode_base64(parts[2])
    except MalformedInput as error:
        raise MalformedInput(f"verifier key: {error}") from None
    if not material:
        raise MalformedInput("verifier key: expected a signature type and a key")
    return check_key_name(parts[0]), bytes.fromhex(parts[1]), material[0], material[1:]


def check_key_name(name: str) -> str:
    """The name itself; ``MalformedInput`` where it is empty or holds a space or a plus sign."""
    if not name or _NOT_IN_A_NAME.search(name):
        raise MalformedInput(f"key name: expected no space and no plus sign, got {name!r}")
    return name


def _check_characters(text: str) -> None:
    """No ASCII control characters but the newline."""
    if _CONTROL.search(text):
        raise MalformedInput("note: expected no control character but the newline")
