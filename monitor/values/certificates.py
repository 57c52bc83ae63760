"""Certificates as they are listed and shown: where they stand in logs, their SCTs, their revocation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.values.logs import Head
from verifier.certificates import Certificate


@dataclass(frozen=True, slots=True)
class RevocationState:
    """What the certificate's own CRL said; ``not-checked`` until it was read."""

    status: str = "not-checked"
    checked_at: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""
    source: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "checked_at": self.checked_at.isoformat() if self.checked_at else None,
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
            "reason": self.reason,
            "source": self.source,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """A certificate in a list: the precertificate and the final certificate of one TBS are one."""

    sha256: bytes
    tbs_hash: bytes
    precertificate_only: bool
    subject: str
    common_name: str
    names: tuple[str, ...]
    matched: tuple[str, ...]
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    algorithm: str
    key_bits: int
    logs: tuple[str, ...]
    first_seen: datetime
    pair: bytes | None
    revocation: RevocationState
    spki_hash: bytes = b""

    @property
    def serial_hex(self) -> str:
        return f"{self.serial:x}" if len(f"{self.serial:x}") % 2 == 0 else f"0{self.serial:x}"

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as the search API writes it: hexadecimal hashes, ISO 8601 times."""
        return {
            "sha256": self.sha256.hex(),
            "tbs_sha256": self.tbs_hash.hex(),
            "precertificate_only": self.precertificate_only,
            "subject": self.subject,
            "common_name": self.common_name,
            "names": list(self.names),
            "matched": list(self.matched),
            "issuer": self.issuer,
            "serial": self.serial_hex,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "algorithm": self.algorithm,
            "key_bits": self.key_bits,
            "logs": list(self.logs),
            "first_seen": self.first_seen.isoformat(),
            "pair": self.pair.hex() if self.pair else None,
            "revocation": self.revocation.to_json(),
            "spki_sha256": self.spki_hash.hex(),
        }


@dataclass(frozen=True, slots=True)
class Encoding:
    """One signed form of a certificate: the precertificate, or the final one."""

    sha256: bytes
    precertificate: bool
    der: bytes


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """Where a certificate stands in a log."""

    log: str
    operator: str
    same_operator: bool
    index: int
    timestamp: datetime
    leaf_hash: bytes
    precertificate: bool
    included: bool
    head: Head | None


@dataclass(frozen=True, slots=True)
class SctState:
    """One SCT of a certificate and whether it was verified with the key of a followed log."""

    log: str | None
    log_id: bytes
    operator: str
    same_operator: bool
    timestamp: datetime
    leaf_index: int | None
    algorithm: str
    state: str
    detail: str
    entry: LoggedEntry | None


@dataclass(frozen=True, slots=True)
class CertificateDetail:
    """Everything known about one certificate."""

    summary: CertificateSummary
    certificate: Certificate
    der: bytes
    encodings: tuple[Encoding, ...]
    chain: tuple[Certificate, ...]
    entries: tuple[LoggedEntry, ...]
    scts: tuple[SctState, ...]
    pair: CertificateSummary | None
    revocation: RevocationState


@dataclass(frozen=True, slots=True)
class IssuerState:
    """A CA certificate that a log's chains named, and how many certificates of it were seen."""

    certificate: Certificate
    sha256: bytes
    parent: bytes | None
    certificates: int
