"""PEM of one object, read strictly (RFC 7468): one label, padded base64, nothing before or after."""

import base64
import binascii
from typing import Final

from verifier.errors import KeyFormatError

_LINE_LENGTH: Final = 64
MAX_PEM_SIZE: Final = 64 * 1024  # bytes


def encode(der: bytes, label: str) -> bytes:
    """The PEM text of ``der``, ending in a newline."""
    text = base64.b64encode(der).decode()
    lines = (text[start : start + _LINE_LENGTH] for start in range(0, len(text), _LINE_LENGTH))
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----\n")).encode()


def decode(text: bytes, label: str) -> bytes:
    """The DER in a PEM text that holds exactly one object with this label. Raises KeyFormatError."""
    if len(text) > MAX_PEM_SIZE:
        raise KeyFormatError(f"PEM: expected at most {MAX_PEM_SIZE} bytes")
    lines = text.strip().splitlines()
    labels = f"-----BEGIN {label}-----".encode(), f"-----END {label}-----".encode()
    if len(lines) < 3 or (lines[0], lines[-1]) != labels:  # noqa: PLR2004
        raise KeyFormatError(f"PEM: expected one object with the label {label} and nothing else")
    body = b"".join(line.rstrip() for line in lines[1:-1])
    try:
        der = base64.b64decode(body)
    except binascii.Error:
        raise KeyFormatError(f"PEM {label}: expected base64 between the label lines") from None
    if base64.b64encode(der) != body:  # b64decode skips strange characters and the bits after the end
        raise KeyFormatError(f"PEM {label}: expected canonical base64")
    return der
