"""Settings, trust, TLS and fetching in one place: evidence in, verdict out.

``check`` and the proxy both use it.
"""

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from proxy_addon.connect import revocation
from proxy_addon.connect.dial import dial
from proxy_addon.connect.fetch import Http
from proxy_addon.connect.inclusion import InclusionChecker, Proof, State
from proxy_addon.connect.revocation import Revocations
from proxy_addon.connect.tls import Upstream
from proxy_addon.connect.trust import TrustKeeper
from proxy_addon.settings import Settings, load_settings
from verifier.certificates.certificate import parse_chain
from verifier.certificates.path import build_path
from verifier.errors import VerifierError
from verifier.judge.evidence import Evidence, Handshake
from verifier.judge.judge import judge
from verifier.judge.verdict import Code, Finding, Outcome, ReliedSct, Verdict
from verifier.policy import Revocation as RevocationRule
from verifier.policy import Rules
from verifier.transparency.log_list import Log

logger = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 1.0  # before a missing entry is asked for again


class Engine:
    """Everything that a judgement needs, opened once for one data directory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.http = Http(settings)
        self.keeper = TrustKeeper(settings, self.http)
        self.upstream = Upstream()
        keep = revocation.KEEP_DEMO if settings.demo else revocation.KEEP
        self.revocations = Revocations(self.http, keep=keep)
        self.inclusion = InclusionChecker(self.http, settings.public_url)

    @classmethod
    def open(cls, data: Path) -> "Engine":
        """Open a data directory; raises SettingsError or the verifier's PolicyError, which name the fault."""
        return cls(load_settings(data))

    def close(self) -> None:
        """Close connections and threads."""
        self.revocations.close()
        self.http.close()

    def rules(self, host: str) -> Rules:
        """Return the policy's rules for a host."""
        return self.keeper.current()[0].rules_for(host)

    def dial(self, host: str, port: int) -> Evidence:
        """Connect and gather everything but revocation. Blocks; raises Unreachable."""
        return dial(host, port, settings=self.settings, upstream=self.upstream)

    def with_revocation(self, evidence: Evidence) -> Evidence:
        """Return the evidence with revocation answers fetched for its path. Blocks; never raises.

        Without a path to a trusted anchor nothing is fetched: the pointers of a certificate that nobody
        vouches for are not followed.
        """
        if evidence.handshake is not Handshake.ESTABLISHED:
            return evidence
        policy, trust = self.keeper.current()
        if policy.rules_for(evidence.host).revocation is RevocationRule.OFF:
            return evidence
        anchors = (*trust.own_roots, *trust.policy_roots, *trust.public_roots)
        try:
            leaf, *others = parse_chain(evidence.chain)
            path = build_path(leaf, (*others, *trust.issuers), anchors)
        except (VerifierError, ValueError):
            return evidence
        found = self.revocations.gather(path.certificates, stapled=evidence.stapled_ocsp is not None)
        return replace(
            evidence,
            ocsp_responses=evidence.ocsp_responses + found.ocsp_responses,
            crls=found.crls,
            revocation_errors=found.errors,
        )

    def judge(self, evidence: Evidence) -> Verdict:
        """Judge under the policy and trust in force; a judgement that breaks is a refusal."""
        now = datetime.now(UTC)
        try:
            policy, trust = self.keeper.current()
            return judge(evidence, policy, trust, now)
        except Exception:  # whatever broke, there is no trust without a judgement
            logger.exception("the judgement of %s broke", evidence.host)
            return check_failed(evidence.host, now, "the judgement broke; the proxy's log says where")

    def log_of(self, sct: ReliedSct) -> Log | None:
        """Return the log that made a promise, from the list that was relied on."""
        log_list = self.keeper.current()[1].log_lists.get(sct.list_name)
        return log_list.by_id(sct.log_id) if log_list is not None else None

    def prove(self, sct: ReliedSct) -> Proof:
        """Ask whether an SCT's entry is in its tree. Blocks; never raises."""
        log = self.log_of(sct)
        if log is None:
            return Proof(State.UNKNOWN, "The log is in no list of the policy any more.")
        proof = self.inclusion.check(sct, log)
        if proof.state is State.NOT_INCLUDED:  # a log is refused for what is missing twice
            time.sleep(AGAIN_SECONDS)
            proof = self.inclusion.check(sct, log)
        return proof


def check_failed(host: str, now: datetime, reason: str) -> Verdict:
    """Return the refusal for a check that could not run."""
    finding = Finding(
        check="verifier",
        title="The verifier itself",
        outcome=Outcome.FAILED,
        code=Code.CHECK_FAILED,
        subject=host,
        detail=f"The connection could not be checked: {reason}. What is not checked is not trusted.",
    )
    return Verdict(trusted=False, host=host, judged_at=now, findings=(finding,))
