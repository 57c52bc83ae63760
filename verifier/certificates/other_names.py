"""Names of a subjectAltName that are neither host names, addresses nor e-mail: URIs and otherName texts.

Read for searching and watching only: no client is known to accept a server by one of them.
"""

import re
from collections.abc import Iterable
from typing import Final

from cryptography import x509

_TEXTS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x1A: "ascii", 0x1E: "utf-16-be"}
"""By tag, how the string types of DER are encoded: UTF8, Printable, IA5, Visible and BMP."""
_AUTHORITY: Final = re.compile(r"[a-z][a-z0-9+.-]*:(//[^/?#\\]*)?([^?#;>]*)", re.IGNORECASE)
_PORT: Final = re.compile(r":[0-9]*\Z")
_LONG: Final = 0x80
_LENGTH_BYTES: Final = 0x7F


def other_names(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """Return the URIs, and the otherName values that are a text, in order.

    Such are SmtpUTF8Mailbox (RFC 9598), a user principal name, XmppAddr (RFC 6120) and SRVName (RFC 4985).
    """
    found = []
    for name in names:
        if isinstance(name, x509.UniformResourceIdentifier):
            found.append(name.value)
        elif isinstance(name, x509.OtherName) and (text := _text(name.value)):
            found.append(text)
    return tuple(found)


def located(name: str) -> tuple[str, ...]:
    """Return the hosts and addresses (``user@host``) that a URI or an otherName text leads to."""
    found = _AUTHORITY.match(name)
    if found is None:
        return (name,)
    if found[1] is not None:
        host = _PORT.sub("", found[1].removeprefix("//").rpartition("@")[2])
        return (host.strip("[]"),) if host else ()
    address = found[2]
    if "@" not in address:
        return ()
    if name[:7].lower() == "mailto:":
        return (address,)
    return (address, _PORT.sub("", address.rpartition("@")[2]))  # sip:user@host leads to the host itself


def _text(der: bytes) -> str | None:
    """Return a string of DER, read as far as it can be; None for any other value."""
    encoding = _TEXTS.get(der[0]) if len(der) > 2 else None  # noqa: PLR2004 -- tag, length, content
    if encoding is None:
        return None
    start = 2 + (der[1] & _LENGTH_BYTES if der[1] >= _LONG else 0)
    return der[start:].decode(encoding, "replace") or None
