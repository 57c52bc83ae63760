"""The evidence file: its fields, read strictly and written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from verifier.algorithms import PublicKey
from verifier.errors import MalformedInput
from verifier.transparency.strict_json import JsonObject, encode_base64, parse_json
from verifier.transparency.wire import UINT16_MAX

FORMAT: Final = "mingjing-evidence/1"
MAX_EVIDENCE_SIZE: Final = 64 << 20  # bytes; the leaf hashes of a million entries take 43 MB

_MAX_MERGE_DELAY = 366 * 24 * 3600  # seconds, as in a log list


@dataclass(frozen=True, slots=True)
class AccusedLog:
    """The log that the evidence is about, as the recorder's log list names it. Its id is its key's hash."""

    name: str
    key: PublicKey
    operator: str = ""
    description: str = ""
    origin: str = ""
    mmd: timedelta = timedelta(days=1)
    codepoint: int | None = None

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "name": self.name,
            "operator": self.operator,
            "description": self.description,
            "log_id": encode_base64(self.key.key_id),
            "key": encode_base64(self.key.spki),
            "origin": self.origin,
            "mmd": int(self.mmd.total_seconds()),
        }
        return value if self.codepoint is None else {**value, "codepoint": self.codepoint}

    @classmethod
    def from_json(cls, fields: JsonObject) -> "AccusedLog":
        """Read the log; ``MalformedInput``, also where the id is not that of the key."""
        key = PublicKey.from_spki(fields.base64("key"))
        if fields.base64("log_id") != key.key_id:
            raise fields.error("log_id", "expected SHA-256 of the key")
        return cls(
            name=fields.text("name"),
            key=key,
            operator=fields.text("operator"),
            description=fields.text("description"),
            origin=fields.text("origin"),
            mmd=timedelta(seconds=fields.integer("mmd", maximum=_MAX_MERGE_DELAY)),
            codepoint=fields.integer("codepoint", maximum=UINT16_MAX) if "codepoint" in fields else None,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """One offence of one log with what shows it. Nothing in it is believed: see ``examine``.

    ``claim`` and ``standing`` are what the recorder says that it shows; ``detail`` is the finding's sentence.
    """

    code: str
    log: AccusedLog
    recorded_at: datetime
    detail: str
    reference: str
    material: Mapping[str, Any]
    claim: str = ""
    standing: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "code": self.code,
            "claim": self.claim,
            "standing": self.standing,
            "detail": self.detail,
            "reference": self.reference,
            "recorded_at": self.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "log": self.log.to_json(),
            "material": dict(self.material),
        }

    def encode(self) -> bytes:
        """The file."""
        return (json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> "Evidence":
        """From a file; ``MalformedInput`` for anything but an evidence file of this format."""
        root = parse_json(data, "evidence", maximum=MAX_EVIDENCE_SIZE)
        if (found := root.text("format")) != FORMAT:
            raise MalformedInput(f"evidence.format: expected {FORMAT!r}, got {found[:80]!r}")
        root.member("material")
        return cls(
            code=root.text("code"),
            log=AccusedLog.from_json(root.member("log")),
            recorded_at=root.time("recorded_at"),
            detail=root.text("detail"),
            reference=root.text("reference"),
            material=json.loads(data)["material"],
            claim=root.text("claim"),
            standing=root.text("standing"),
        )
