"""Whether a precertificate's entry names the key of the issuer beside it (RFC 6962 section 3.2)."""

from hashlib import sha256

from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency.api import RawEntry
from verifier.transparency.evidence.entries import PRECERTIFICATE_SIGNING

_ENTRY_TYPE, _KEY_HASH = slice(10, 12), slice(12, 44)  # MerkleTreeLeaf, section 3.4
_PRECERT_ENTRY = b"\x00\x01"
_LENGTH = 3  # bytes of an ASN.1Cert's length
MOST_KEPT = 4096


class IssuerKeys:
    """Compares entries with their chains; remembers the key hash of every issuer that it met."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes | None] = {}

    def differ(self, entry: RawEntry) -> bool:
        """Tell whether the entry names another key than its issuer's; False where that cannot be told."""
        if entry.leaf_input[_ENTRY_TYPE] != _PRECERT_ENTRY:
            return False
        first, rest = _next(entry.extra_data, _next(entry.extra_data, 0)[1] + _LENGTH)
        expected = self._key_hash(first)
        if expected is None:  # a precertificate signing certificate: the issuer is the one above it
            expected = self._key_hash(_next(entry.extra_data, rest)[0])
        return bool(expected) and expected != entry.leaf_input[_KEY_HASH]

    def _key_hash(self, der: bytes) -> bytes | None:
        """The hash of a certificate's key; none for a precertificate signer, empty for what is not one."""
        if der not in self._known:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[der] = _read(der)
        return self._known[der]


def _read(der: bytes) -> bytes | None:
    try:
        certificate = Certificate.parse(der)
    except MalformedInput:
        return b""
    if PRECERTIFICATE_SIGNING in certificate.extended_key_usage:
        return None
    return sha256(certificate.public_key.spki).digest()


def _next(data: bytes, position: int) -> tuple[bytes, int]:
    """The certificate behind its length at ``position``, and where it ends."""
    start = position + _LENGTH
    end = start + int.from_bytes(data[position:start])
    return data[start:end], end
