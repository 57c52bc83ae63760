"""The SCTs of one connection, each held against the logs that the policy names (RFC 6962 sections 3, 5)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from verifier.certificates import CLOCK_SKEW, Certificate, stapled_sct_list
from verifier.errors import InvalidSignature, MalformedInput
from verifier.judge.evidence import Evidence
from verifier.judge.trust import Trust
from verifier.judge.verdict import ReliedSct
from verifier.policy import Rules
from verifier.transparency.entries import Entry, X509Entry, entry_for_certificate, leaf_hash, merkle_tree_leaf
from verifier.transparency.log_list import Log, LogList, LogState
from verifier.transparency.sct import SignedCertificateTimestamp, parse_sct_list
from verifier.transparency.verify import verify_sct

SHORT_LIFETIME: Final = timedelta(days=180)
SCTS_FOR_SHORT, SCTS_FOR_LONG = 2, 3
"""Chrome's and Apple's count: two distinct logs for a certificate of up to 180 days, else three."""
BROWSER_OPERATORS: Final = 2
"""Chrome's rule: the logs have at least two operators between them, each at its SCT's time."""
_NOW_GOOD = frozenset({LogState.QUALIFIED, LogState.USABLE, LogState.READONLY})


@dataclass(frozen=True, slots=True)
class JudgedSct:
    """One SCT with where it came from, its log where that is known, and what is wrong with it.

    ``invalid`` is why the promise itself is void (signature, time); ``unreliable`` why the log's word does
    not count although the promise is genuine (distrusted, retired, rejected).
    """

    source: str
    sct: SignedCertificateTimestamp
    leaf_hash: bytes
    log: Log | None = None
    list_name: str = ""
    invalid: str | None = None
    unreliable: str | None = None

    @property
    def log_name(self) -> str:
        """How to name the log in a sentence."""
        return (self.log and self.log.description) or f"log {self.sct.log_id.hex()[:16]}"

    @property
    def operator(self) -> str:
        """Who ran the log when it signed."""
        return self.log.operator_at(self.sct.time) if self.log else ""

    def is_among(self, inclusion_keys: frozenset[bytes]) -> bool:
        """Whether ``Trust.included`` or ``not_included`` has it, by ``ReliedSct.key`` or by leaf hash."""
        return not inclusion_keys.isdisjoint((self.sct.log_id + self.leaf_hash, self.leaf_hash))

    def relied(self) -> ReliedSct:
        """What a verdict keeps, so that inclusion can be demanded later. The log is known."""
        due = self.sct.time + (self.log.mmd if self.log else timedelta(0))
        return ReliedSct(
            log_id=self.sct.log_id,
            timestamp=self.sct.timestamp,
            leaf_hash=self.leaf_hash,
            due=due,
            list_name=self.list_name,
            log_name=self.log_name,
            operator=self.operator,
            source=self.source,
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """How many distinct logs must vouch, and how many operators they must have between them."""

    logs: int
    operators: int
    one_good_now: bool
    """Whether at least one log must still be in good standing, not only have been so (Chrome's rule)."""

    @classmethod
    def of(cls, rules: Rules, leaf: Certificate) -> "Requirement":
        """The policy's number, or the browsers' by the certificate's lifetime."""
        if rules.scts != "browser":
            return cls(rules.scts, 0, one_good_now=False)
        short = leaf.not_after - leaf.not_before <= SHORT_LIFETIME
        return cls(SCTS_FOR_SHORT if short else SCTS_FOR_LONG, BROWSER_OPERATORS, one_good_now=True)

    def lacking(self, scts: Iterable[JudgedSct]) -> str | None:
        """What ``scts``, of distinct logs, lack; None where they suffice."""
        vouching = tuple(scts)
        operators = {sct.operator for sct in vouching}
        if len(vouching) < self.logs:
            return f"{len(vouching)} of {self.logs} logs"
        if len(operators) < self.operators:
            return f"{len(operators)} of {self.operators} operators"
        return None

    def lacks_good_log(self, scts: Iterable[JudgedSct]) -> bool:
        """Whether every log has meanwhile lost its standing."""
        return self.one_good_now and not any(s.log and s.log.state in _NOW_GOOD for s in scts)


@dataclass(frozen=True, slots=True)
class Assessment:
    """All SCTs of a connection.

    ``malformed`` says which lists of SCTs did not parse, ``missing_lists`` which log lists the policy names
    and the trust store lacks.
    """

    scts: tuple[JudgedSct, ...]
    malformed: tuple[str, ...]
    requirement: Requirement
    missing_lists: tuple[str, ...]

    @property
    def invalid(self) -> tuple[JudgedSct, ...]:
        return tuple(sct for sct in self.scts if sct.invalid)

    @property
    def unknown(self) -> tuple[JudgedSct, ...]:
        return tuple(sct for sct in self.scts if sct.log is None)

    @property
    def genuine(self) -> tuple[JudgedSct, ...]:
        """Valid SCTs of known logs, one for each log: a second one of the same log counts for nothing."""
        return tuple(_one_each(sct for sct in self.scts if sct.log is not None and sct.invalid is None))

    @property
    def reliable(self) -> tuple[JudgedSct, ...]:
        """Valid SCTs of logs whose word counts, one for each log: what a trusted verdict rests on."""
        valid = (sct for sct in self.scts if sct.log is not None and sct.invalid is None)
        return tuple(_one_each(sct for sct in valid if sct.unreliable is None))


def assess(
    evidence: Evidence,
    pair: tuple[Certificate, Certificate],
    rules: Rules,
    trust: Trust,
    now: datetime,
) -> Assessment:
    """Every SCT of the connection, verified. ``pair`` is the leaf and its issuer.

    1. SCTs are taken from the certificate, the TLS extension and the stapled OCSP response (section 3.3).
    2. Each one's log is looked up in the lists that the policy names, the first that has it.
    3. The signature is verified over the precertificate for embedded ones, over the certificate for others
       (section 3.2), and the time must not lie in the future (section 5.2).
    4. The log must be neither distrusted nor out of service when it signed.
    """
    lists = {name: trust.log_lists[name] for name in rules.log_lists if name in trust.log_lists}
    held_against = _HeldAgainst(lists, trust, now)
    embedded, whole = entry_for_certificate(*pair), X509Entry(pair[0].der)
    judged: list[JudgedSct] = []
    malformed: list[str] = []
    for source, encoded in _sources(evidence, *pair):
        entry = embedded if source == "certificate" else whole
        try:
            scts = parse_sct_list(encoded)
        except MalformedInput as error:
            malformed.append(f"{source}: {error}")
            continue
        judged.extend(held_against.judge(source, sct, entry) for sct in scts)
    missing = tuple(name for name in rules.log_lists if name not in trust.log_lists)
    return Assessment(tuple(judged), tuple(malformed), Requirement.of(rules, pair[0]), missing)


def _sources(evidence: Evidence, leaf: Certificate, issuer: Certificate) -> list[tuple[str, bytes]]:
    """Each place that has a list. A staple that does not parse has none; the revocation check refuses it."""
    stapled = None
    if evidence.stapled_ocsp is not None:
        with suppress(MalformedInput):
            stapled = stapled_sct_list(evidence.stapled_ocsp, leaf, issuer)
    places = (
        ("certificate", leaf.sct_list), ("TLS extension", evidence.tls_scts), ("OCSP response", stapled),
    )  # fmt: skip
    return [(source, encoded) for source, encoded in places if encoded is not None]


@dataclass(frozen=True, slots=True)
class _HeldAgainst:
    """What every SCT of a connection is held against."""

    lists: Mapping[str, LogList]
    trust: Trust
    now: datetime

    def judge(self, source: str, sct: SignedCertificateTimestamp, entry: Entry) -> JudgedSct:
        """Steps 2 to 4 of ``assess``."""
        leaf = leaf_hash(merkle_tree_leaf(entry, sct.timestamp, sct.extensions))
        for name, log_list in self.lists.items():
            if (log := log_list.by_id(sct.log_id)) is not None:
                invalid = _invalid(sct, entry, log, self.now)
                return JudgedSct(source, sct, leaf, log, name, invalid, _unreliable(sct, log, self.trust))
        return JudgedSct(source, sct, leaf)


def _invalid(sct: SignedCertificateTimestamp, entry: Entry, log: Log, now: datetime) -> str | None:
    try:
        verify_sct(sct, entry, log.key, log.codepoint)
    except InvalidSignature as error:
        return f"its signature does not fit this certificate ({error})"
    if sct.time > now + CLOCK_SKEW:
        return f"it is dated in the future, {sct.time:%Y-%m-%d %H:%M} UTC"
    return None


def _unreliable(sct: SignedCertificateTimestamp, log: Log, trust: Trust) -> str | None:
    """RFC 6962 leaves it to the client; these are the browsers' rules for a log's states."""
    if log.log_id in trust.distrusted_logs:
        return "an audit found it out"
    if log.state is LogState.READONLY and log.state_since is not None and sct.time >= log.state_since:
        return "the log was read-only already when it signed this"
    return log.state_problem(sct)


def _one_each(scts: Iterable[JudgedSct]) -> Iterable[JudgedSct]:
    by_log: dict[bytes, JudgedSct] = {}
    for sct in scts:
        by_log.setdefault(sct.sct.log_id, sct)
    return by_log.values()
