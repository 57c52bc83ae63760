"""A judged connection in which all is well, and a way to change one thing about it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from verifier.judge import Evidence, Handshake, Trust, Verdict, judge
from verifier.policy import Policy, Rules, TrustMode

HOST = "www.corp.test"


@dataclass(frozen=True)
class Situation:
    """Everything ``judge`` is given; ``change`` makes another one."""

    evidence: Evidence
    rules: Rules
    trust: Trust
    now: object

    def change(self, *, evidence=None, rules=None, trust=None, now=None) -> "Situation":
        return Situation(
            replace(self.evidence, **(evidence or {})),
            replace(self.rules, **(rules or {})),
            replace(self.trust, **(trust or {})),
            now or self.now,
        )

    def judge(self) -> Verdict:
        policy = Policy(default=Rules(), sites={HOST: self.rules, "*.corp.test": self.rules})
        return judge(self.evidence, policy, self.trust, self.now)


@dataclass(frozen=True)
class World:
    """A pinned issuing CA below a root, two logs, and the pki that made them."""

    pki: object
    root: object
    issuing: object
    logs: tuple
    log_list: Callable

    def leaf(self, *dns: str, logs=None, issuer=None, **given):
        chosen = self.logs if logs is None else logs
        names = dns or (HOST,)
        issuer = issuer or self.issuing
        if not chosen:
            return self.pki.leaf(issuer, *names, **given)
        return self.pki.logged_leaf(issuer, chosen, *names, **given)

    def situation(self, leaf=None) -> Situation:
        """A pinned site with everything asked for, and everything in order."""
        leaf = leaf or self.leaf()
        national = self.pki.algorithm == "sm2"
        evidence = Evidence(
            host=HOST,
            port=443,
            handshake=Handshake.ESTABLISHED,
            protocol="TLSv1.3",
            cipher="TLS_SM4_GCM_SM3" if national else "TLS_AES_128_GCM_SHA256",
            group="curveSM2" if national else "X25519",
            signature_scheme="sm2sig_sm3" if national else "ecdsa_secp256r1_sha256",
            chain=(leaf.certificate.der, self.issuing.certificate.der),
            ocsp_responses=(self.pki.ocsp(leaf.certificate, self.issuing),),
        )
        rules = Rules(
            trust=TrustMode.PINNED,
            issuers=frozenset({self.issuing.certificate.public_key.key_id}),
            require=frozenset({"sm2"} if national else ()),
            scts=2,
            log_lists=("own",),
            revocation="hard",
            section=HOST,
        )
        trust = Trust(
            own_roots=(self.root.certificate,),
            log_lists={"own": self.log_list(*self.logs)},
            operator="Somebody else",
            issuer_operator="The issuer",
            expires_at=self.pki.now + timedelta(days=7),
        )
        return Situation(evidence, rules, trust, self.pki.now)


def make_world(pki, list_of_logs) -> World:
    root = pki.root("Corp root")
    issuing = pki.intermediate(root, "Corp SSL CA")
    logs = (pki.log("first", algorithm=pki.algorithm), pki.log("second"))
    return World(pki, root, issuing, logs, list_of_logs)


@pytest.fixture(scope="session")
def ecc_world(ecc, list_of_logs) -> World:
    return make_world(ecc, list_of_logs)


@pytest.fixture(scope="session")
def sm2_world(sm2, list_of_logs) -> World:
    return make_world(sm2, list_of_logs)


@pytest.fixture(params=["ecc", "sm2"])
def world(request) -> World:
    return request.getfixturevalue(f"{request.param}_world")


@pytest.fixture(scope="session")
def settled(ecc_world) -> Situation:
    """One situation in which all is well, the same for every example of a property test."""
    return ecc_world.situation()
