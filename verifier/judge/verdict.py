"""What was decided and why: one finding for each check, in the order of the contract."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from verifier.errors import MalformedInput

MAX_VERDICT_SIZE: Final = 256 * 1024
"""Bytes of JSON; a verdict has about twenty findings of a sentence or two each."""


class Code(StrEnum):
    """Why a connection was refused; the order is the contract's, and the first failing one is reported."""

    UNREACHABLE = "unreachable"
    CLEARTEXT = "cleartext"
    HANDSHAKE_FAILED = "handshake-failed"
    DOWNGRADE = "downgrade"
    ALGORITHM_REQUIRED = "algorithm-required"
    PATH_INVALID = "path-invalid"
    NOT_YET_VALID = "certificate-not-yet-valid"
    EXPIRED = "certificate-expired"
    NAME_MISMATCH = "name-mismatch"
    KEY_TOO_WEAK = "key-too-weak"
    ISSUER_NOT_PINNED = "issuer-not-pinned"
    REVOKED = "certificate-revoked"
    REVOCATION_UNAVAILABLE = "revocation-unavailable"
    SCT_MISSING = "sct-missing"
    SCT_INVALID = "sct-invalid"
    SCT_UNKNOWN_LOG = "sct-unknown-log"
    SCT_TOO_FEW = "sct-too-few"
    LOG_DISTRUSTED = "log-distrusted"
    SCT_NOT_INCLUDED = "sct-not-included"
    TRUST_BUNDLE_STALE = "trust-bundle-stale"
    CHECK_FAILED = "check-failed"


class NoteCode(StrEnum):
    """What a visitor should know, though it does not refuse."""

    CLEARTEXT_ALLOWED = "cleartext-allowed"
    REVOCATION_NOT_CHECKED = "revocation-not-checked"
    SCT_NOT_CHECKED = "sct-not-checked"
    SCT_INCLUSION_PENDING = "sct-inclusion-pending"
    SAME_OPERATOR = "same-operator"


class Outcome(StrEnum):
    """How a check ended. Only FAILED refuses; NOT_REACHED: an earlier failure left nothing to check."""

    PASSED = "passed"
    NOTE = "note"
    FAILED = "failed"
    NOT_REACHED = "not-reached"


CODE_ORDER: Final[Mapping[Code, int]] = {code: place for place, code in enumerate(Code)}

ALGORITHM_NAMES: Final = ("sm2", "ecc", "rsa", "tlcp", "pq")
"""In the order in which the verdict header names them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, in words for somebody who has never read a standard.

    ``check`` is the check's lasting short name and ``title`` its heading; ``code`` is set when it failed
    (a Code) or is worth a note (a NoteCode), and None otherwise. ``subject`` is what was checked and
    ``against`` what it was held against; ``detail`` is one sentence; ``reference`` names the standard.
    """

    check: str
    title: str
    outcome: Outcome
    detail: str
    code: Code | NoteCode | None = None
    subject: str = ""
    against: str = ""
    reference: str = ""

    def to_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return {
            "check": self.check, "title": self.title, "outcome": self.outcome.value,
            "code": self.code.value if self.code else None, "subject": self.subject,
            "against": self.against, "detail": self.detail, "reference": self.reference,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of ``to_dict``. Raises KeyError, TypeError or ValueError."""
        code = value["code"]
        texts = ("check", "title", "subject", "against", "detail", "reference")
        return cls(
            outcome=Outcome(value["outcome"]),
            code=None if code is None else _code(code),
            **{name: _text(value[name]) for name in texts},
        )


@dataclass(frozen=True, slots=True)
class ReliedSct:
    """An SCT that a trusted verdict rests on; its inclusion can be demanded once ``due`` has passed.

    ``leaf_hash`` is the Merkle leaf hash of the entry it promises (RFC 6962 section 2.1); ``list_name`` the
    log list that named the log; ``log_name`` the log's description there.
    """

    log_id: bytes
    timestamp: int
    leaf_hash: bytes
    due: datetime
    list_name: str
    log_name: str
    operator: str
    source: str

    @property
    def key(self) -> bytes:
        """The promise's identity: log and leaf. A leaf hash alone does not say which log promised it."""
        return self.log_id + self.leaf_hash

    def to_dict(self) -> dict[str, str | int]:
        """For JSON; bytes as hex digits, times in ISO 8601."""
        return {
            "log_id": self.log_id.hex(), "timestamp": self.timestamp, "leaf_hash": self.leaf_hash.hex(),
            "due": self.due.isoformat(), "list_name": self.list_name, "log_name": self.log_name,
            "operator": self.operator, "source": self.source,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of ``to_dict``. Raises KeyError, TypeError or ValueError."""
        if type(value["timestamp"]) is not int:
            raise TypeError("timestamp: expected an integer")
        texts = ("list_name", "log_name", "operator", "source")
        return cls(
            log_id=bytes.fromhex(value["log_id"]),
            timestamp=value["timestamp"],
            leaf_hash=bytes.fromhex(value["leaf_hash"]),
            due=aware(value["due"]),
            **{name: _text(value[name]) for name in texts},
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one connection. ``trusted`` is never true while a finding failed."""

    trusted: bool
    host: str
    judged_at: datetime
    findings: tuple[Finding, ...]
    algorithms: tuple[str, ...] = ()
    relied_scts: tuple[ReliedSct, ...] = ()
    rule: str = ""
    """The policy section that decided which checks apply, for people: ``[default]`` or the site's host."""

    def __post_init__(self) -> None:
        if self.trusted and (not self.findings or any(f.outcome is Outcome.FAILED for f in self.findings)):
            raise ValueError("a verdict is trusted only when it has findings and none of them failed")
        if not self.trusted and self.code is None:
            raise ValueError("a refusal needs a failed finding with its code")

    @property
    def code(self) -> Code | None:
        """The first failing check in the contract's order; None when trusted."""
        failed = [f.code for f in self.findings if f.outcome is Outcome.FAILED and isinstance(f.code, Code)]
        return min(failed, key=CODE_ORDER.__getitem__, default=None)

    @property
    def deciding(self) -> Finding | None:
        """The finding behind ``code``."""
        return next((f for f in self.findings if f.code is not None and f.code == self.code), None)

    @property
    def notes(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.outcome is Outcome.NOTE)

    @property
    def header(self) -> str:
        """The value of Mingjing-Verdict: ``trusted; sm2`` or ``refused; sct-missing``."""
        return f"trusted; {' '.join(self.algorithms)}".rstrip() if self.trusted else f"refused; {self.code}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "trusted": self.trusted,
            "code": self.code.value if self.code else None,
            "header": self.header,
            "host": self.host,
            "judged_at": self.judged_at.isoformat(),
            "algorithms": list(self.algorithms),
            "rule": self.rule,
            "findings": [finding.to_dict() for finding in self.findings],
            "relied_scts": [sct.to_dict() for sct in self.relied_scts],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of ``to_dict``. Raises MalformedInput."""
        try:
            if type(value["trusted"]) is not bool:
                raise TypeError("trusted: expected true or false")
            return cls(
                trusted=value["trusted"],
                host=_text(value["host"]),
                judged_at=aware(value["judged_at"]),
                findings=tuple(Finding.from_dict(finding) for finding in value["findings"]),
                algorithms=tuple(ALGORITHM_NAMES[ALGORITHM_NAMES.index(a)] for a in value["algorithms"]),
                relied_scts=tuple(ReliedSct.from_dict(sct) for sct in value["relied_scts"]),
                rule=_text(value["rule"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedInput(f"verdict: expected the fields of Verdict.to_dict, {error!r}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The reverse of ``to_json``. Raises MalformedInput."""
        return cls.from_dict(load_object(text, "verdict", MAX_VERDICT_SIZE))


def unreachable(host: str, judged_at: datetime, reason: str) -> Verdict:
    """The verdict on a host without a DNS answer or a TCP connection: nothing was checked, so no trust."""
    finding = Finding(
        check="connection", title="Connection", outcome=Outcome.FAILED, code=Code.UNREACHABLE, subject=host,
        detail=f"No connection to {host} could be made: {reason}.",
    )  # fmt: skip
    return Verdict(trusted=False, host=host, judged_at=judged_at, findings=(finding,))


def load_object(text: str | bytes, what: str, limit: int) -> Mapping[str, Any]:
    """The JSON object in ``text``: at most ``limit`` bytes, no key twice. Raises MalformedInput."""
    if len(text) > limit:
        raise MalformedInput(f"{what}: {len(text)} bytes, expected at most {limit}")
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"{what}: expected JSON, {error}") from error
    if not isinstance(value, dict):
        raise MalformedInput(f"{what}: expected a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def aware(text: object) -> datetime:
    """An ISO 8601 time with its offset. Raises TypeError or ValueError."""
    value = datetime.fromisoformat(_text(text))
    if value.tzinfo is None:
        raise ValueError(f"{text!r}: expected a time with its offset from UTC")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r}: expected a string")
    return value


def _code(value: str) -> Code | NoteCode:
    return Code(value) if value in Code else NoteCode(value)
