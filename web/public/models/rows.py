"""Certificates as rows of a list, and as facts for programs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.values import CertificateSummary, RevocationState
from web.public.language import Text, say
from web.public.models.marking import NOTHING, Hit, Hits
from web.public.text import iso, plural

_COMMON_NAME = re.compile(r"(?:^|,|\+)CN=((?:\\.|[^\\,+])*)")
_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2}|.)")
_ALGORITHMS = {"sm2": "SM2", "ecdsa": "ECDSA", "rsa": "RSA", "ed25519": "Ed25519"}
_SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate in a list."""

    sha256: bytes
    title: str
    hit: Hit
    also_matched: tuple[str, ...]
    """More names that matched, the first few."""
    also: Text | str
    algorithm: Text
    issuer: str
    issuer_hit: Hit
    not_after: datetime
    not_after_iso: str
    first_seen: datetime
    expired: bool
    revoked: bool


def certificate_row(summary: CertificateSummary, now: datetime, hits: Hits | None = None) -> Row:
    """Make a row; its title is the name that matched, else the first name. ``hits`` is what to mark."""
    hits = hits or Hits()
    title = title_of(summary)
    also_matched = tuple(name for name in summary.matched if name != title)[: _SHOWN_NAMES - 1]
    others = len(set(summary.names) - {title, *also_matched})
    return Row(
        sha256=summary.sha256,
        title=title,
        hit=hits.name if summary.matched else NOTHING,
        also_matched=also_matched,
        also=say("and {names}", names=plural(others, "other name")) if others else "",
        algorithm=algorithm_words(summary.algorithm, summary.key_bits),
        issuer=common_name(summary.issuer),
        issuer_hit=hits.issuer,
        not_after=summary.not_after,
        not_after_iso=iso(summary.not_after),
        first_seen=summary.first_seen,
        expired=summary.not_after < now,
        revoked=summary.revocation.status == "revoked",
    )


def title_of(summary: CertificateSummary) -> Text | str:
    """Return what to call a certificate: the name that matched, else its first name, else what it has."""
    for name in (*summary.matched[:1], *summary.names[:1], summary.common_name, summary.subject):
        if name:
            return name
    return say("serial {serial}", serial=summary.serial_hex)


def summary_facts(summary: CertificateSummary) -> dict[str, Any]:
    """Return a certificate's facts for JSON, CSV and feeds."""
    return {
        "sha256": summary.sha256,
        "tbs_sha256": summary.tbs_hash,
        "spki_sha256": summary.spki_hash,
        "subject": summary.subject,
        "common_name": summary.common_name,
        "names": summary.names,
        "matched": summary.matched,
        "issuer": summary.issuer,
        "serial": summary.serial_hex,
        "not_before": summary.not_before,
        "not_after": summary.not_after,
        "algorithm": summary.algorithm,
        "key_bits": summary.key_bits,
        "logs": summary.logs,
        "first_seen": summary.first_seen,
        "precertificate_only": summary.precertificate_only,
        "pair": summary.pair,
        "revocation": revocation_facts(summary.revocation),
    }


def revocation_facts(revocation: RevocationState) -> Mapping[str, Any]:
    """Return what is known of a certificate's revocation."""
    return {
        "status": revocation.status,
        "checked_at": revocation.checked_at,
        "revoked_at": revocation.revoked_at,
        "reason": revocation.reason,
        "source": revocation.source,
        "detail": revocation.detail,
    }


def algorithm_words(algorithm: str, bits: int) -> Text:
    """Return 'SM2', 'ECDSA, 256 bits', 'RSA, 2048 bits'."""
    name = _ALGORITHMS.get(algorithm, algorithm)
    if algorithm in {"sm2", "ed25519"} or not bits:
        return Text(name, name)
    return say("{algorithm}, {bits} bits", algorithm=name, bits=bits)


def common_name(distinguished_name: str) -> str:
    """Return the common name of an RFC 4514 string, unescaped; the whole string where there is none."""
    found = _COMMON_NAME.search(distinguished_name)
    return _ESCAPED.sub(_unescape, found[1]) if found else distinguished_name


def _unescape(found: re.Match[str]) -> str:
    what = found[1]
    return bytes.fromhex(what).decode("latin-1") if len(what) == 2 else what  # noqa: PLR2004  two hex digits
