"""Signed certificate timestamps, a log's promise to include an entry (RFC 6962 sections 3.2 and 3.3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verifier.algorithms import SignatureScheme
from verifier.errors import MalformedInput, UnsupportedAlgorithm
from verifier.transparency import moments, wire
from verifier.transparency.digitally_signed import DigitallySigned
from verifier.transparency.extensions import named_index, sct_extensions

__all__ = [
    "V1", "SignedCertificateTimestamp", "encode_sct_list", "parse_sct_list", "sct_extensions",
    "split_sct_list",
]  # fmt: skip

V1: Final = 0


@dataclass(frozen=True, slots=True)
class SignedCertificateTimestamp:
    """One SCT of version 1. Nothing about it is verified: see ``verify_sct``.

    ``timestamp`` is in milliseconds since 1970, ``algorithm`` the two bytes before the signature as a number
    (``scheme`` where it is one of ours), ``signature`` the bare signature.
    """

    log_id: bytes
    timestamp: int
    extensions: bytes
    algorithm: int
    signature: bytes
    version: int = V1

    @property
    def time(self) -> datetime:
        """The timestamp as an aware datetime."""
        return moments.to_datetime(self.timestamp)

    @property
    def scheme(self) -> SignatureScheme | None:
        """The signature scheme that the SCT names; None where it is none that this program knows."""
        try:
            return SignatureScheme.from_code(self.algorithm)
        except UnsupportedAlgorithm:
            return None

    @property
    def leaf_index(self) -> int | None:
        """Where the log says the entry is; None where it does not say, or not as static-ct-api has it."""
        return named_index(self.extensions)

    @property
    def digitally_signed(self) -> DigitallySigned:
        """Algorithm and signature as one structure."""
        return DigitallySigned(self.algorithm, self.signature)

    def encode(self) -> bytes:
        """The structure's bytes; ``MalformedInput`` for values that no SCT can have."""
        return b"".join((
            wire.uint(_check_version(self.version), 1, "SCT.version"),
            wire.fixed(self.log_id, wire.HASH_SIZE, "SCT.log_id"),
            wire.uint(moments.check_timestamp(self.timestamp, "SCT.timestamp"), 8, "SCT.timestamp"),
            wire.vector(self.extensions, wire.UINT16_MAX, "SCT.extensions"),
            self.digitally_signed.encode(),
        ))

    @classmethod
    def parse(cls, data: bytes) -> "SignedCertificateTimestamp":
        """One SCT and nothing more; ``MalformedInput``, also for a version other than 1."""
        reader = wire.Reader(data, "SCT")
        version = _check_version(reader.uint(1, "version"))
        log_id = reader.fixed(wire.HASH_SIZE, "log_id")
        timestamp = moments.check_timestamp(reader.uint(8, "timestamp"), "SCT.timestamp")
        extensions = reader.vector(wire.UINT16_MAX, "extensions")
        signed = DigitallySigned.read(reader)
        reader.finish()
        return cls(log_id, timestamp, extensions, signed.code, signed.signature, version)


def parse_sct_list(data: bytes) -> tuple[SignedCertificateTimestamp, ...]:
    """The SCTs of a SignedCertificateTimestampList, at least one; ``MalformedInput``.

    ``data`` is the TLS structure as a TLS extension carries it; a certificate or an OCSP response wraps it in
    an OCTET STRING, which the caller takes off.
    """
    return tuple(SignedCertificateTimestamp.parse(sct) for sct in split_sct_list(data))


def split_sct_list(data: bytes) -> tuple[bytes, ...]:
    """The SCTs of a list unparsed, at least one; ``MalformedInput``.

    The RFC keeps each opaque so that one of a later version does not hide the others (section 3.3).
    """
    reader = wire.Reader(data, "SCT list")
    encoded = reader.vectors(wire.UINT16_MAX, "sct_list", item_maximum=wire.UINT16_MAX, minimum=1)
    reader.finish()
    return encoded


def encode_sct_list(scts: Iterable[SignedCertificateTimestamp]) -> bytes:
    """A SignedCertificateTimestampList; ``MalformedInput`` for none, or for more than 65,535 bytes."""
    encoded = (wire.vector(sct.encode(), wire.UINT16_MAX, "SCT", minimum=1) for sct in scts)
    return wire.vector(b"".join(encoded), wire.UINT16_MAX, "SCT list", minimum=1)


def _check_version(version: int) -> int:
    if version != V1:
        raise MalformedInput(f"SCT.version: expected {V1} (version 1 of RFC 6962), got {version}")
    return version
