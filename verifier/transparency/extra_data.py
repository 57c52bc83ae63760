"""The chain that get-entries returns beside a leaf, its ``extra_data`` (RFC 6962 sections 3.1 and 4.6).

It is not part of the tree: nothing but the signatures within the chain says that it is the right one.
"""

from dataclasses import dataclass

from verifier.transparency import wire
from verifier.transparency.entries import Entry, PrecertEntry

_CHAIN = "certificate_chain"


@dataclass(frozen=True, slots=True)
class X509ChainEntry:
    """The certificates above a submitted certificate, issuer first; they may end with the root."""

    chain: tuple[bytes, ...]

    def encode(self) -> bytes:
        """``extra_data`` of an x509_entry; ``MalformedInput`` for sizes that it cannot have."""
        return _encode_chain(self.chain)

    @classmethod
    def parse(cls, data: bytes) -> "X509ChainEntry":
        """From ``extra_data`` of an x509_entry; ``MalformedInput``."""
        reader = wire.Reader(data, "X509ChainEntry")
        chain = _read_chain(reader)
        reader.finish()
        return cls(chain)


@dataclass(frozen=True, slots=True)
class PrecertChainEntry:
    """A precertificate as it was submitted, and the certificates above it, issuer first."""

    pre_certificate: bytes
    chain: tuple[bytes, ...]

    def encode(self) -> bytes:
        """``extra_data`` of a precert_entry; ``MalformedInput`` for sizes that it cannot have."""
        certificate = wire.vector(self.pre_certificate, wire.UINT24_MAX, "pre_certificate", minimum=1)
        return certificate + _encode_chain(self.chain)

    @classmethod
    def parse(cls, data: bytes) -> "PrecertChainEntry":
        """From ``extra_data`` of a precert_entry; ``MalformedInput``."""
        reader = wire.Reader(data, "PrecertChainEntry")
        certificate = reader.vector(wire.UINT24_MAX, "pre_certificate", minimum=1)
        chain = _read_chain(reader)
        reader.finish()
        return cls(certificate, chain)


def parse_extra_data(entry: Entry, data: bytes) -> X509ChainEntry | PrecertChainEntry:
    """The ``extra_data`` that belongs to ``entry``; ``MalformedInput``."""
    if isinstance(entry, PrecertEntry):
        return PrecertChainEntry.parse(data)
    return X509ChainEntry.parse(data)


def _read_chain(reader: wire.Reader) -> tuple[bytes, ...]:
    return reader.vectors(wire.UINT24_MAX, _CHAIN, item_maximum=wire.UINT24_MAX)


def _encode_chain(chain: tuple[bytes, ...]) -> bytes:
    certificates = (wire.vector(der, wire.UINT24_MAX, _CHAIN, minimum=1) for der in chain)
    return wire.vector(b"".join(certificates), wire.UINT24_MAX, _CHAIN)
