"""What a certificate is found by, as 64-bit keys: one for each name, each domain above it, each identifier.

A key is a hash of a kind and a value, so that one narrow table answers every exact question. Two values may
share a key, by 2^32 hashes of somebody's work: a search by name compares the names themselves as well.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from unicodedata import normalize

from monitor.index.names import suffixes, text_of
from monitor.store.rows import CertificateRow
from monitor.watching.names import attributes

NAME = "name"
UNDER = "under"
"""A name or a domain above one."""
SERIAL, SPKI = "serial", "spki"
SUBJECT_KEY_ID, AUTHORITY_KEY_ID = "ski", "aki"
ISSUER_CERTIFICATE, ISSUER_KEY = "issuer-certificate", "issuer-key"
MAIL_DOMAIN = "mail-domain"
ORGANISED = "organised"
"""Has an organisation or an organisational unit."""
ORGANISATION_ATTRIBUTES = ("O", "OU")
GRAM = 3
"""The text indexes are made of runs of three characters."""
_REMEMBERED = 1 << 16


def key(kind: str, value: str | bytes = b"") -> int:
    """Return the key of a value, a signed 64-bit integer as SQLite keeps them."""
    hasher = _hasher(kind).copy()
    hasher.update(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"))
    return int.from_bytes(hasher.digest(), signed=True)


@lru_cache
def _hasher(kind: str) -> blake2b:
    return blake2b(digest_size=8, person=kind.encode()[:16])


_common_key = lru_cache(_REMEMBERED)(key)
"""For what the certificates of a batch have in common: issuers, and the domains above their names."""


def keys_of(row: CertificateRow) -> set[int]:
    """Return every key under which a certificate is found."""
    keys = {key(SERIAL, row.serial), key(SPKI, row.spki_hash)}
    if row.subject_key_id is not None:
        keys.add(key(SUBJECT_KEY_ID, row.subject_key_id))
    for kind, value in _of_issuer(row):
        if value is not None:
            keys.add(_common_key(kind, value))
    for name in row.names:
        keys.add(key(NAME, name))
        keys.add(key(UNDER, name))
        for above in suffixes(name):
            keys.add(_common_key(UNDER, above))
        if "@" in name:
            keys.add(key(MAIL_DOMAIN, name.rpartition("@")[2]))
    if organisations_of(row.subject):
        keys.add(key(ORGANISED))
    return keys


def _of_issuer(row: CertificateRow) -> tuple[tuple[str, bytes | None], ...]:
    return (
        (AUTHORITY_KEY_ID, row.authority_key_id),
        (ISSUER_CERTIFICATE, row.issuer_sha256),
        (ISSUER_KEY, row.issuer_key),
    )


def text_of_names(names: Iterable[str]) -> str:
    """Return what a search for a part of a name looks at: every name, with its Unicode form.

    With a space on either side even a name of one character is part of a run of three.
    """
    return f" {' '.join(map(text_of, names))} "


def organisations_of(subject: str, *kinds: str) -> tuple[str, ...]:
    """Return the organisations and units that a subject (RFC 4514) names, folded for comparison."""
    if "O=" not in subject and "OU=" not in subject:
        return ()
    wanted = kinds or ORGANISATION_ATTRIBUTES
    return tuple(fold_text(text) for kind, text in attributes(subject) if kind in wanted)


def fold_text(text: str) -> str:
    """Return how texts are compared: without case, widths and the amount of white space."""
    return " ".join(normalize("NFKC", text).casefold().split())


def addresses_of(names: Iterable[str]) -> Iterator[bytes]:
    """Return the IP addresses among ``names``, packed so that those of one network stand together."""
    for name in names:
        if name[-1:].isdigit() or ":" in name:
            try:
                yield packed(name)
            except ValueError:
                continue


def packed(address: str) -> bytes:
    """Return an address in sixteen bytes, IPv4 mapped into IPv6. Raises ValueError."""
    found = ip_address(address)
    return found.packed if found.version == 6 else b"\0" * 10 + b"\xff\xff" + found.packed  # noqa: PLR2004
