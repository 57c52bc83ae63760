"""PEM of one object, read strictly (RFC 7468): one label, padded base64, nothing before or after."""

import base64
import binascii
import textwrap
from typing import Final

from verifier.errors import KeyFormatError

_LINE_LENGTH: Final = 64
MAX_PEM_SIZE: Final = 64 * 1024  # characters


def encode(der: bytes, label: str) -> str:
    """The PEM text of ``der``, ending in a newline."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), _LINE_LENGTH))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def decode(text: str, label: str) -> bytes:
    """The DER in a PEM text that holds exactly one object with this label. Raises KeyFormatError."""
    if len(text) > MAX_PEM_SIZE:
        raise KeyFormatError(f"PEM: expected at most {MAX_PEM_SIZE} characters")
    lines = text.strip().splitlines()
    if len(lines) < 3 or lines[0] != f"-----BEGIN {label}-----" or lines[-1] != f"-----END {label}-----":  # noqa: PLR2004
        raise KeyFormatError(f"PEM: expected one object with the label {label} and nothing else")
    try:
        return base64.b64decode("".join(line.rstrip() for line in lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters that are not ASCII
        raise KeyFormatError(f"PEM {label}: expected base64 between the label lines") from None
