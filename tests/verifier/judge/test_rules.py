"""The browsers' count, the algorithms' names, checks that cannot run, and input of any kind."""

from dataclasses import fields, replace
from datetime import timedelta
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import MalformedInput, PolicyError
from verifier.judge import Code, Evidence, Finding, Handshake, Outcome, Trust, Verdict, judge, unreachable
from verifier.judge.algorithms import negotiated
from verifier.judge.case import Check
from verifier.policy import Policy, Rules
from verifier.transparency.log_list import LogState, PreviousOperator

DAY = timedelta(days=1)
judging = import_module("verifier.judge.judge")


class TestBrowserCount:
    """Chrome's rule: two logs up to 180 days, else three; two operators, each at its SCT's time."""

    @pytest.fixture
    def judged(self, ecc_world):
        def run(logs, *, days=90, **log):
            logs = [replace(made, log=replace(made.log, **log)) if log else made for made in logs]
            now = ecc_world.pki.now
            start = now - 30 * DAY
            leaf = ecc_world.leaf(logs=logs, not_before=start, not_after=start + days * DAY)
            trust = {"log_lists": {"own": ecc_world.log_list(*logs)}}
            return ecc_world.situation(leaf).change(rules={"scts": "browser"}, trust=trust).judge()

        return run

    def test_two_for_short_lifetimes(self, ecc_world, judged):
        assert judged(ecc_world.logs, days=180).trusted
        assert judged(ecc_world.logs[:1], days=180).code is Code.SCT_TOO_FEW

    def test_three_for_longer_ones(self, ecc_world, judged):
        verdict = judged(ecc_world.logs, days=181)
        assert verdict.code is Code.SCT_TOO_FEW
        assert "2 of 3 logs" in verdict.deciding.detail
        assert judged([*ecc_world.logs, ecc_world.pki.log("third")], days=181).trusted

    def test_two_operators(self, ecc_world, judged):
        verdict = judged(ecc_world.logs, operator="One")
        assert verdict.code is Code.SCT_TOO_FEW
        assert "1 of 2 operators" in verdict.deciding.detail

    def test_operators_are_those_of_the_scts_time(self, ecc_world):
        now = ecc_world.pki.now
        before = (PreviousOperator("Former", now),)
        first, second = (replace(m, log=replace(m.log, operator="One")) for m in ecc_world.logs)
        for history, trusted in ((before, True), ((PreviousOperator("Former", now - 9 * DAY),), False)):
            logs = (first, replace(second, log=replace(second.log, previous_operators=history)))
            trust = {"log_lists": {"own": ecc_world.log_list(*logs)}}
            situation = ecc_world.situation().change(rules={"scts": "browser"}, trust=trust)
            assert situation.judge().trusted is trusted

    def test_one_log_must_still_be_in_good_standing(self, ecc_world, judged):
        verdict = judged(ecc_world.logs, state=LogState.RETIRED, state_since=ecc_world.pki.now)
        assert verdict.code is Code.LOG_DISTRUSTED
        assert "has meanwhile been retired" in verdict.deciding.detail


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, ("sm2",)),
        ({"group": "curveSM2MLKEM768"}, ("sm2", "pq")),
        ({"group": "X25519"}, ()),
        ({"group": "X25519MLKEM768"}, ("pq",)),
        ({"cipher": "TLS_AES_128_GCM_SHA256"}, ()),
        ({"cipher": "TLS_SM4_CCM_SM3"}, ("sm2",)),
        ({"signature_scheme": ""}, ()),
        (
            {"protocol": "TLCP", "cipher": "ECC_SM4_CBC_SM3", "group": "", "signature_scheme": ""},
            ("sm2", "tlcp"),
        ),
    ],
)
def test_names_of_algorithms_with_an_sm2_key(sm2_world, change, names):
    situation = sm2_world.situation()
    leaf = sm2_world.leaf().certificate
    assert negotiated(replace(situation.evidence, **change), leaf) == names


def test_names_of_algorithms_with_other_keys(ecc_world):
    from verifier.algorithms import KeyAlgorithm, PrivateKey

    evidence = ecc_world.situation().evidence
    national = {"group": "curveSM2", "cipher": "TLS_SM4_GCM_SM3", "signature_scheme": "sm2sig_sm3"}
    leaf = ecc_world.leaf().certificate
    assert negotiated(replace(evidence, group="X25519MLKEM768"), leaf) == ("ecc", "pq")
    assert negotiated(replace(evidence, **national), leaf) == ("ecc",)
    for algorithm, name in ((KeyAlgorithm.RSA, "rsa"), (KeyAlgorithm.ED25519, "ecc")):
        other = ecc_world.leaf(logs=(), key=PrivateKey.generate(algorithm)).certificate
        assert negotiated(evidence, other) == (name,)


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "TLSv1.2", "cipher": "ECDHE-SM2-SM4-GCM-SM3"},
        {"signature_scheme": "ecdsa_secp256r1_sha256"},
    ],
)
def test_an_sm2_certificate_outside_rfc_8998_is_a_downgrade(sm2_world, change):
    assert sm2_world.situation().change(evidence=change).judge().code is Code.DOWNGRADE


class TestFailClosed:
    @pytest.mark.parametrize("place", range(len(judging.CHECKS)))
    def test_a_check_that_raises_refuses(self, ecc_world, monkeypatch, place):
        def broken(_case):
            raise KeyError("secret detail")

        checks = list(judging.CHECKS)
        checks[place] = replace(checks[place], run=broken)
        monkeypatch.setattr(judging, "CHECKS", tuple(checks))
        verdict = ecc_world.situation().judge()
        assert verdict.code is Code.CHECK_FAILED
        assert verdict.findings[place].outcome is Outcome.FAILED
        assert "KeyError" in verdict.deciding.detail
        assert "secret detail" not in verdict.to_json()

    def test_a_check_that_says_nothing_refuses(self, ecc_world, monkeypatch):
        nothing = Check("x", "X", None, "-", lambda _case: None)
        monkeypatch.setattr(judging, "CHECKS", (nothing,))
        assert ecc_world.situation().judge().code is Code.CHECK_FAILED

    def test_no_checks_is_no_verdict(self, ecc_world, monkeypatch):
        monkeypatch.setattr(judging, "CHECKS", ())
        with pytest.raises(ValueError, match="trusted only when it has findings"):
            ecc_world.situation().judge()

    def test_empty_trust_refuses(self, ecc_world):
        situation = ecc_world.situation()
        verdict = judge(situation.evidence, Policy(Rules(), {}), Trust(), situation.now)
        assert verdict.code is Code.CHECK_FAILED

    def test_words_that_are_none_are_no_rules(self):
        for wrong in ({"trust": "open"}, {"revocation": "no"}, {"cleartext": ""}, {"require": {"sm4"}}):
            with pytest.raises(ValueError, match=r"not a valid|require"):
                Rules(**wrong)

    def test_a_trusted_verdict_with_a_failure_cannot_be_made(self, ecc_world):
        now = ecc_world.pki.now
        failure = Finding("x", "X", Outcome.FAILED, "No.", Code.EXPIRED)
        with pytest.raises(ValueError, match="trusted only"):
            Verdict(trusted=True, host="a", judged_at=now, findings=(failure,))
        with pytest.raises(ValueError, match="refusal needs"):
            Verdict(trusted=False, host="a", judged_at=now, findings=())


def test_unreachable(ecc_world):
    verdict = unreachable("a.test", ecc_world.pki.now, "no such name")
    assert verdict.header == "refused; unreachable"
    assert Verdict.from_json(verdict.to_json()) == verdict


NOISE = st.binary(max_size=300)


@given(
    chain=st.lists(NOISE, max_size=3).map(tuple),
    lists=st.tuples(st.none() | NOISE, st.none() | NOISE),
    documents=st.lists(NOISE, max_size=2).map(tuple),
    words=st.tuples(*[st.text(max_size=20)] * 6),
    keep=st.booleans(),
)
def test_any_evidence_gives_a_refusal_and_survives_json(ecc_world, chain, lists, documents, words, keep):
    """Noise around a good chain, or no good chain at all, is refused and never breaks the judge."""
    good = ecc_world.situation()
    host, protocol, cipher, group, scheme, failure = words
    evidence = Evidence(
        host=host, port=1, handshake=Handshake.ESTABLISHED, failure=failure, protocol=protocol, cipher=cipher,
        group=group, signature_scheme=scheme, chain=(*good.evidence.chain, *chain) if keep else chain,
        tls_scts=lists[0], stapled_ocsp=lists[1], ocsp_responses=documents, crls=documents,
    )  # fmt: skip
    assert Evidence.from_json(evidence.to_json()) == evidence
    verdict = judge(evidence, Policy(good.rules, {}), good.trust, good.now)
    assert not verdict.trusted
    assert Verdict.from_json(verdict.to_json()) == verdict


@given(st.data())
def test_one_changed_byte_of_the_chain_is_refused(settled, data):
    chain = [bytearray(der) for der in settled.evidence.chain]
    which = data.draw(st.integers(0, 1))
    position = data.draw(st.integers(0, len(chain[which]) - 1))
    chain[which][position] ^= data.draw(st.integers(1, 255))
    verdict = settled.change(evidence={"chain": tuple(map(bytes, chain))}).judge()
    assert not verdict.trusted
    assert verdict.code is not Code.CHECK_FAILED


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "[" * 100_000, '{"trusted": true}', '{"a": 1, "a": 1}', "\x00"]
)
def test_wrong_json_gives_our_error(text):
    for kind in (Verdict, Evidence):
        with pytest.raises(MalformedInput):
            kind.from_json(text)


def test_a_field_twice_gives_our_error(settled):
    for value in (settled.judge(), settled.evidence):
        with pytest.raises(MalformedInput, match="twice"):
            type(value).from_json(value.to_json()[:-1] + ', "host": "other.test"}')


def test_each_field_of_a_verdict_and_of_evidence_is_checked(ecc_world):
    situation = ecc_world.situation()
    verdict = situation.judge()
    for value, kind in ((verdict.to_dict(), Verdict), (situation.evidence.to_dict(), Evidence)):
        assert kind.from_dict(value)
        for field in fields(kind):
            lacking = {name: item for name, item in value.items() if name != field.name}
            for wrong in (lacking, {**value, field.name: 3.5}, {**value, field.name: {"x": None}}):
                with pytest.raises(MalformedInput):
                    kind.from_dict(wrong)
    forged = {**verdict.to_dict(), "findings": []}
    with pytest.raises(MalformedInput):
        Verdict.from_dict(forged)


def test_policies_that_cannot_be_parsed_do_not_exist():
    from verifier.policy import parse_policy

    with pytest.raises(PolicyError):
        parse_policy("")
