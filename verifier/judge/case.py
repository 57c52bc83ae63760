"""One case before the judge: the evidence with the rules it falls under, and what a check says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise

from verifier.certificates import (
    Certificate,
    Path,
    RevocationStatus,
    build_path,
    parse_chain,
    revocation_status,
)
from verifier.errors import MalformedInput, PathInvalid
from verifier.judge.algorithms import negotiated
from verifier.judge.evidence import Evidence, Handshake
from verifier.judge.scts import Assessment, JudgedSct, assess
from verifier.judge.trust import Trust
from verifier.judge.verdict import Code, Finding, NoteCode, Outcome
from verifier.policy import Rules, TrustMode


@dataclass(frozen=True)
class Case:
    """Evidence, rules, trust and time, with what follows from them worked out once."""

    evidence: Evidence
    rules: Rules
    trust: Trust
    now: datetime

    @cached_property
    def chain(self) -> tuple[Certificate, ...] | MalformedInput:
        """What the server sent, the leaf first, or why it does not parse."""
        try:
            return parse_chain(self.evidence.chain)
        except MalformedInput as error:
            return error

    @property
    def leaf(self) -> Certificate | None:
        return None if isinstance(self.chain, MalformedInput) else self.chain[0]

    @cached_property
    def anchors(self) -> tuple[Certificate, ...]:
        """Whom this host's path may end at. A pin is a further demand, so it widens what a path may use."""
        shared = (*self.trust.policy_roots, *self.trust.public_roots)
        return (*self.trust.own_roots, *shared) if self.rules.trust == TrustMode.PINNED else shared

    @cached_property
    def path(self) -> Path | PathInvalid | MalformedInput:
        """The path from the leaf to an anchor, or why there is none."""
        if isinstance(self.chain, MalformedInput):
            return self.chain
        leaf, *sent = self.chain
        try:
            return build_path(leaf, (*sent, *self.trust.issuers), self.anchors, at=self.now)
        except PathInvalid as error:
            return error

    @cached_property
    def issuer(self) -> Certificate | None:
        """The leaf's issuer; without a path the one that claims to be, for findings beside the refusal."""
        if isinstance(self.path, Path):
            return self.path.issuer
        if isinstance(self.chain, MalformedInput):
            return None
        leaf, *sent = self.chain
        candidates = (*sent, *self.trust.issuers, leaf)
        return next((c for c in candidates if c.subject_der == leaf.issuer_der), None)

    @cached_property
    def algorithms(self) -> tuple[str, ...]:
        """Which of the contract's algorithms the connection used."""
        if self.evidence.handshake is not Handshake.ESTABLISHED or self.leaf is None:
            return ()
        return negotiated(self.evidence, self.leaf)

    @cached_property
    def transparency(self) -> Assessment:
        """The SCTs of the connection; asked for only where there is an issuer."""
        if self.leaf is None or self.issuer is None:
            raise MalformedInput("SCTs: expected a certificate and its issuer")
        return assess(self.evidence, (self.leaf, self.issuer), self.rules, self.trust, self.now)

    @property
    def reliable_scts(self) -> tuple[JudgedSct, ...]:
        """The SCTs that a trusted verdict rests on; none where the policy asks for none."""
        asked = self.rules.scts != 0 and self.rules.log_lists
        return self.transparency.reliable if asked and self.issuer else ()

    @cached_property
    def revocation(self) -> tuple[tuple[Certificate, RevocationStatus], ...]:
        """The state of each certificate of the path but its anchor, the leaf first; empty without a path."""
        if not isinstance(self.path, Path):
            return ()
        evidence, certificates = self.evidence, self.path.certificates
        stapled = () if evidence.stapled_ocsp is None else (evidence.stapled_ocsp,)
        ocsp = (*stapled, *evidence.ocsp_responses)
        return tuple(
            (
                certificate,
                revocation_status(certificate, issuer, ocsp=ocsp, crls=evidence.crls, now=self.now),
            )
            for certificate, issuer in pairwise(certificates)
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found; see ``Finding`` for the fields. ``code`` stands in for the check's own."""

    outcome: Outcome
    detail: str
    subject: str = ""
    against: str = ""
    code: Code | NoteCode | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the judgement. ``code`` is what its failure is called; None for a step that only notes."""

    name: str
    title: str
    code: Code | None
    reference: str
    run: Callable[[Case], Result]
    without_tls: bool = False
    """Whether it has something to say of a connection without TLS."""

    def finding(self, result: Result) -> Finding:
        """The result under this check's name. A failure always has a code."""
        code = result.code
        if result.outcome is Outcome.FAILED:
            code = code or self.code or Code.CHECK_FAILED
        return Finding(
            check=self.name,
            title=self.title,
            outcome=result.outcome,
            detail=result.detail,
            code=code,
            subject=result.subject,
            against=result.against,
            reference=self.reference,
        )


def passed(detail: str, subject: str = "", against: str = "") -> Result:
    return Result(Outcome.PASSED, detail, subject, against)


def failed(detail: str, subject: str = "", against: str = "", code: Code | None = None) -> Result:
    return Result(Outcome.FAILED, detail, subject, against, code)


def note(code: NoteCode, detail: str, subject: str = "", against: str = "") -> Result:
    return Result(Outcome.NOTE, detail, subject, against, code)


def not_reached(detail: str) -> Result:
    return Result(Outcome.NOT_REACHED, detail)


def count(number: int, one: str, many: str | None = None) -> str:
    """``number`` with its noun: "1 log", "2 logs"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(items: tuple[str, ...] | list[str]) -> str:
    """Items as a sentence lists them: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def day(moment: datetime) -> str:
    """A moment as findings write it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
