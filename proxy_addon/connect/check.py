"""``mingjing check``: connect as the proxy would, judge, and say why."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from proxy_addon.connect.dial import reach
from proxy_addon.connect.engine import Engine
from proxy_addon.connect.handshake import cleartext
from proxy_addon.connect.inclusion import Proof, State
from proxy_addon.errors import SettingsError, Unreachable
from verifier.judge.evidence import Evidence
from verifier.judge.verdict import ReliedSct, Verdict, unreachable
from verifier.policy import Cleartext

HTTPS_PORT, HTTP_PORT = 443, 80


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check. ``evidence`` is None when nothing was reached; proofs are of overdue SCTs."""

    target: str
    host: str
    port: int
    verdict: Verdict
    evidence: Evidence | None
    proofs: tuple[tuple[ReliedSct, Proof], ...] = ()

    @property
    def reachable(self) -> bool:
        """Tell whether anything answered at all."""
        return self.evidence is not None

    @property
    def exit_code(self) -> int:
        """0 trusted, 1 refused, 2 unreachable."""
        if not self.reachable:
            return 2
        return 0 if self.verdict.trusted else 1

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the verdict, what was negotiated, and the inclusion proofs."""
        seen = self.evidence
        return {
            "target": self.target,
            "host": self.host,
            "port": self.port,
            "reachable": self.reachable,
            **self.verdict.to_dict(),
            "connection": None
            if seen is None
            else {
                "handshake": seen.handshake.value,
                "failure": seen.failure,
                "protocol": seen.protocol,
                "cipher": seen.cipher,
                "group": seen.group,
                "signature_scheme": seen.signature_scheme,
                "alpn": seen.alpn,
            },
            "inclusion": [
                {
                    "log_id": sct.log_id.hex(),
                    "log_name": sct.log_name,
                    "leaf_hash": sct.leaf_hash.hex(),
                    "state": proof.state.value,
                    "tree_size": proof.tree_size,
                    "crowd": proof.crowd,
                    "detail": proof.detail,
                }
                for sct, proof in self.proofs
            ],
        }


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed target: where to connect, and whether the user asked for cleartext."""

    host: str
    port: int
    cleartext: bool


def parse_target(text: str) -> Target:
    """Read a URL or HOST[:PORT]; without a scheme it is https. Raises SettingsError."""
    address = text.strip()
    wrong = f"{text!r} is neither a URL with http or https nor a host name, with :port or without."
    try:
        parts = urlsplit(address if "://" in address else f"https://{_bracketed(address)}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(wrong) from None
    if parts.scheme not in {"https", "http"} or not host or any(c.isspace() for c in host):
        raise SettingsError(wrong)
    plain = parts.scheme == "http"
    return Target(host, port or (HTTP_PORT if plain else HTTPS_PORT), plain)


def _bracketed(address: str) -> str:
    try:
        return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address  # noqa: PLR2004
    except ValueError:
        return address


def check(target: str, data: Path) -> CheckResult:
    """Check one site with the trust and policy of a data directory. Raises SettingsError, PolicyError."""
    engine = Engine.open(data)
    try:
        return check_with(engine, target)
    finally:
        engine.close()


def check_many(targets: Iterable[str], data: Path) -> list[CheckResult]:
    """Check several sites one after another, with one trust."""
    engine = Engine.open(data)
    try:
        return [check_with(engine, target) for target in targets]
    finally:
        engine.close()


def check_with(engine: Engine, target: str) -> CheckResult:
    """Check one site with an open engine; nothing is stored."""
    where = parse_target(target)
    try:
        evidence = _evidence(engine, where)
    except Unreachable as error:
        reason = str(error).rstrip(".")
        verdict = unreachable(where.host, datetime.now(UTC), reason)
        return CheckResult(target, where.host, where.port, verdict, None)
    verdict = engine.judge(evidence)
    proofs = _overdue(engine, verdict)
    missing = frozenset(sct.key for sct, proof in proofs if proof.state is State.NOT_INCLUDED)
    found = frozenset(sct.key for sct, proof in proofs if proof.state is State.INCLUDED)
    if missing or found:
        engine.keeper.set_inclusion(included=found, not_included=missing)
        verdict = engine.judge(evidence)
    return CheckResult(target, where.host, where.port, verdict, evidence, proofs)


def _evidence(engine: Engine, where: Target) -> Evidence:
    rule = engine.rules(where.host).cleartext
    if where.cleartext and rule is not Cleartext.UPGRADE:
        reach(where.host, where.port, engine.settings)
        return cleartext(where.host, where.port)
    port = HTTPS_PORT if where.cleartext and where.port == HTTP_PORT else where.port
    return engine.with_revocation(engine.dial(where.host, port))


def _overdue(engine: Engine, verdict: Verdict) -> tuple[tuple[ReliedSct, Proof], ...]:
    now = datetime.now(UTC)
    return tuple((sct, engine.prove(sct)) for sct in verdict.relied_scts if sct.due <= now)
