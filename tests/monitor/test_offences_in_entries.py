"""What a log must not log, and what it must: each has a code, an alert and evidence that verifies."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from monitor.auditor.logged import _place
from monitor.follower.places import misplaced
from monitor.values import AuditOutcome
from tests.monitor.conftest import NOW, MadeLog, StaticLog, TestCa, promised
from verifier.certificates import Certificate
from verifier.transparency.api import RawEntry
from verifier.transparency.entries import PrecertEntry, X509Entry, merkle_tree_leaf
from verifier.transparency.evidence import Result
from verifier.transparency.extra_data import PrecertChainEntry
from verifier.transparency.log_list import TemporalInterval
from verifier.transparency.sct import sct_extensions

SHARD = TemporalInterval(NOW, NOW + timedelta(days=180))


@pytest.fixture(params=[MadeLog, StaticLog])
def log(request, served):
    """An empty log behind either API."""
    return served(request.param("made"))


@pytest.fixture
def watched(monitor, log, ca):
    """An honest shard that names its one root, audited once."""
    log.roots = [ca.der]
    for number in range(3):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor.watch_log(log.watched(interval=SHARD))
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    return log


def failed(report):
    return {finding.code.value for finding in report.findings if finding.outcome.value == "failed"}


def accused(monitor, code, *, distrusted=False):
    (report,) = monitor.audit_now()
    assert failed(report) == {code}, report.findings
    assert bool(monitor.distrusted_logs()) is distrusted


def test_an_honest_shard_goes_on(monitor, watched, ca):
    for number in range(3):
        log_more = ca.precertificate(f"more-{number}.example.test")
        watched.add_precertificate(log_more, ca)
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert monitor.alerts() == ()


@pytest.mark.parametrize("final", [False, True])
def test_a_certificate_from_outside_the_shard(monitor, watched, ca, examined, final):
    options = {"not_after": NOW + timedelta(days=200)}
    if final:
        watched.add_certificate(ca.issue("late.example.test", **options), ca)
    else:
        watched.add_precertificate(ca.precertificate("late.example.test", **options), ca)
    accused(monitor, "entry-outside-shard")
    assert examined("entry-outside-shard").result is Result.PROVEN


def test_an_entry_dated_after_the_head(monitor, watched, ca, examined):
    watched.add_precertificate(ca.precertificate("a.example.test"), ca, timestamp=watched.now() + 60_000)
    accused(monitor, "entry-after-head")
    assert examined("entry-after-head").result is Result.PROVEN


def test_an_entry_merged_late_is_found_without_its_sct(monitor, watched, ca, examined):
    """Its date is that of the SCT: the head of the audit before was due to hold it."""
    for age, code in ((50_000, None), (100_000, "entry-merged-late")):  # the merge delay is 60 s
        name = f"late-{age}.example.test"
        watched.add_precertificate(ca.precertificate(name), ca, timestamp=watched.now() - age)
        (report,) = monitor.audit_now()
        assert failed(report) == ({code} if code else set()), report.findings
    assert examined("entry-merged-late").result is Result.PROVEN
    assert monitor.distrusted_logs() == frozenset()


def test_old_entries_that_every_head_held_are_not_late(monitor, watched, ca):
    """Looked at only now, among several heads, each is compared with those that lack it alone."""
    for _ in range(3):
        old = watched.now() - 30_000
        watched.add_precertificate(ca.precertificate("old.example.test"), ca, timestamp=old)
        monitor.audit_now()
    watched.timestamp = watched.now() + 200_000  # more than a merge delay later
    watched.add_precertificate(ca.precertificate("new.example.test"), ca, timestamp=watched.now() + 190_000)
    monitor.audit_now()
    monitor.observations.move("logged 1", 0)
    watched.add_precertificate(ca.precertificate("newer.example.test"), ca, timestamp=watched.now() + 195_000)
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings


def test_an_entry_under_an_unknown_root(monitor, watched, examined):
    other = TestCa("Nobody's CA")
    watched.add_precertificate(other.precertificate("a.example.test"), other)
    accused(monitor, "entry-root-unknown")
    assert examined("entry-root-unknown").result is Result.OBSERVED


def test_roots_of_before_the_log_was_looked_at_accuse_nobody(monitor, log, ca):
    """A log may have accepted other roots then."""
    other = TestCa("A CA of former days")
    log.roots = [ca.der]
    log.add_precertificate(other.precertificate("a.example.test"), other, timestamp=log.now() - 3_600_000)
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings


def test_an_entry_whose_root_is_left_out_of_the_chain(monitor, watched, ca):
    """RFC 6962 section 3.1 lets a chain end below the root."""
    der = ca.precertificate("a.example.test")
    entry = PrecertEntry(
        Certificate.parse(ca.der).public_key.key_id, Certificate.parse(der).precertificate_tbs
    )
    leaf = merkle_tree_leaf(entry, watched.now(), b"")
    watched.entries.append((leaf, PrecertChainEntry(der, ()).encode()))
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings


def test_an_entry_under_another_issuers_key(monitor, watched, ca, examined):
    der = ca.precertificate("a.example.test")
    entry = PrecertEntry(bytes(32), Certificate.parse(der).precertificate_tbs)
    leaf = merkle_tree_leaf(entry, watched.now(), b"")
    watched.entries.append((leaf, PrecertChainEntry(der, (ca.der,)).encode()))
    accused(monitor, "issuer-key-hash-wrong")
    assert examined("issuer-key-hash-wrong").result is Result.PROVEN


@pytest.mark.parametrize("place", [0, 7])
def test_an_entry_that_names_another_place(monitor, watched, ca, examined, place):
    """Every entry of a static-ct-api log names its own: no SCT need be seen to find one elsewhere."""
    watched.add_precertificate(ca.precertificate("a.example.test"), ca, extensions=sct_extensions(place))
    accused(monitor, "entry-index-wrong", distrusted=True)
    assert examined("entry-index-wrong").result is Result.PROVEN


def test_entries_that_name_their_places_are_honest(monitor, watched, ca):
    for place in (3, 4, 5):
        watched.add_precertificate(ca.precertificate("a.example.test"), ca, extensions=sct_extensions(place))
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings


def test_bytes_that_only_look_like_a_place_accuse_nobody(monitor, watched, ca):
    """A certificate whose last bytes look like an extension, and no extensions after it."""
    der = ca.issue("a.example.test")
    leaf = merkle_tree_leaf(X509Entry(der), watched.now(), b"")
    raw = RawEntry(leaf[:-10] + b"\x00\x08\x00\x00\x05" + bytes(3) + leaf[-2:], b"")
    assert misplaced(3, raw)
    assert _place(raw) is None
    assert not misplaced(0, raw)


def test_an_odd_key_does_not_hide_an_odd_place(monitor, watched, ca):
    der = ca.precertificate("a.example.test")
    entry = PrecertEntry(bytes(32), Certificate.parse(der).precertificate_tbs)
    leaf = merkle_tree_leaf(entry, watched.now(), b"")
    watched.entries.append((leaf, PrecertChainEntry(der, (ca.der,)).encode()))
    watched.add_precertificate(ca.precertificate("b.example.test"), ca, extensions=sct_extensions(1))
    (report,) = monitor.audit_now()
    assert failed(report) == {"issuer-key-hash-wrong", "entry-index-wrong"}


def test_a_precertificate_that_is_not_the_entrys(monitor, watched, ca, examined):
    shown, hidden = ca.precertificate("shown.example.test"), ca.precertificate("hidden.example.test")
    watched.add_precertificate(hidden, ca)
    watched.entries[-1] = (watched.entries[-1][0], PrecertChainEntry(shown, (ca.der,)).encode())
    accused(monitor, "precertificate-differs")
    assert examined("precertificate-differs").result is Result.OBSERVED


def test_the_same_entry_twice_is_a_note_with_its_proof(monitor, watched):
    watched.entries.append(watched.entries[1])
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    (position,) = [n for n, f in enumerate(report.findings) if f.code.value == "entry-repeated"]
    assert monitor.evidence.finding(report.id, position)["standing"] == "proof"
    assert monitor.alerts() == ()


class TestPromises:
    """SCTs in certificates that any followed log holds, checked against the log that signed them."""

    @pytest.fixture
    def two(self, monitor, log, make_log, ca):
        """The log to be judged, and another that holds the final certificates."""
        holder = make_log("holder")
        for number in range(3):
            log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca, log.now() - 7_200_000)
        for one in (log, holder):
            monitor.watch_log(one.watched())
        return log, holder

    @staticmethod
    def audit(monitor):
        """The holder first: its certificates are collected there, and judged at the other."""
        monitor.audit_now(["holder"])
        (report,) = monitor.audit_now(["made"])
        return report

    @pytest.mark.parametrize("index", [None, 3])
    def test_a_promise_that_is_kept(self, monitor, two, ca, index):
        log, holder = two
        holder.add_certificate(promised(ca, log, "kept.example.test", index=index), ca)
        self.audit(monitor)
        assert self.audit(monitor).outcome is AuditOutcome.CONSISTENT
        assert monitor.alerts() == ()

    def test_a_promise_that_is_not_due_yet_is_waited_for(self, monitor, two, ca):
        log, holder = two
        holder.add_certificate(promised(ca, log, "soon.example.test", age=5, merge=False), ca)
        assert self.audit(monitor).outcome is AuditOutcome.CONSISTENT
        log.timestamp = log.now() + 120_000  # two minutes later
        assert "sct-not-merged" in failed(self.audit(monitor))

    @pytest.mark.parametrize("index", [None, 1, 700])
    def test_an_sct_that_was_never_merged(self, monitor, two, ca, examined, index):
        log, holder = two
        holder.add_certificate(promised(ca, log, "never.example.test", index=index, merge=False), ca)
        report = self.audit(monitor)
        assert failed(report) == {"sct-not-merged"}, report.findings
        assert examined("sct-not-merged").result is Result.PROVEN
        assert log.key.public_key.key_id in monitor.distrusted_logs()
        assert failed(self.audit(monitor)) == set()  # said once; the alert and the distrust stay

    @pytest.mark.parametrize("index", [None, 3])
    def test_an_sct_that_was_merged_late(self, monitor, two, ca, examined, index):
        log, holder = two
        final = promised(ca, log, "late.example.test", index=index)
        entry = log.entries.pop()
        self.audit(monitor)  # a head long after the promise fell due, without the entry
        log.entries.append(entry)
        holder.add_certificate(final, ca)
        report = self.audit(monitor)
        assert failed(report) == {"sct-merged-late", "entry-merged-late"}, report.findings
        assert examined("sct-merged-late").result is Result.PROVEN

    @pytest.mark.parametrize("index", [1, 700])
    def test_an_sct_with_the_wrong_index(self, monitor, two, ca, examined, index):
        log, holder = two
        holder.add_certificate(promised(ca, log, "moved.example.test", index=index), ca)
        report = self.audit(monitor)
        alerts = {alert.code.value for alert in monitor.alerts()}
        assert alerts == {"sct-index-wrong", "entry-index-wrong"}, report.findings
        assert examined("sct-index-wrong").result is Result.PROVEN

    def test_a_final_certificate_that_is_not_the_announced_one(self, monitor, two, ca, examined):
        """The issuer's offence: the log is not accused, but somebody must look at it."""
        log, holder = two
        final = promised(ca, log, "other.example.test", tampered=True)
        holder.add_certificate(final, ca)
        report = self.audit(monitor)
        assert report.outcome is AuditOutcome.CONSISTENT, report.findings
        assert examined("final-certificate-differs").result is Result.PROVEN
        assert monitor.distrusted_logs() == frozenset()

    def test_a_forged_sct_accuses_nobody(self, monitor, two, make_log, ca):
        log, holder = two
        forger = make_log("forger")
        builder = ca.builder("forged.example.test")
        sct = forger.promise(ca.poisoned(builder), ca, log.now() - 3_600_000)
        forged = replace(sct, log_id=log.key.public_key.key_id)
        holder.add_certificate(ca.issue_with_scts(builder, [forged]), ca)
        report = self.audit(monitor)
        assert report.outcome is AuditOutcome.CONSISTENT
        assert "sct-signature-invalid" in {finding.code.value for finding in report.findings}
        assert monitor.alerts() == ()

    @pytest.mark.parametrize("case", ["the announced one", "another issuer's"])
    def test_a_forged_sct_accuses_no_issuer_of_another_certificate(
        self, monitor, two, make_log, ca, monkeypatch, case
    ):
        """In the log stands its own precertificate, or one that only has the same serial number."""
        log, holder = two
        monkeypatch.setattr(x509, "random_serial_number", lambda: 4711)
        builder, stranger = ca.builder("forged.example.test"), TestCa("Another CA")
        if case == "the announced one":
            log.add_precertificate(ca.poisoned(builder), ca)
        else:
            log.add_precertificate(stranger.precertificate("other.example.test"), stranger)
        sct = make_log("forger").promise(ca.poisoned(builder), ca, log.now() - 3_600_000)
        forged = replace(sct, log_id=log.key.public_key.key_id)
        holder.add_certificate(ca.issue_with_scts(builder, [forged]), ca)
        report = self.audit(monitor)
        codes = {finding.code.value for finding in report.findings}
        assert "sct-signature-invalid" in codes
        assert "final-certificate-differs" not in codes
        assert monitor.alerts() == ()

    def test_a_head_within_the_merge_delay_may_lack_the_entry(self, monitor, two, ca):
        log, holder = two
        final = promised(ca, log, "soon.example.test", age=40)
        entry, log.timestamp = log.entries.pop(), log.now() - 30_000
        self.audit(monitor)  # a head after the promise was given, before it is due
        log.entries.append(entry)
        holder.add_certificate(final, ca)
        log.timestamp = log.now() + 200_000
        assert "scts-kept" in {finding.code.value for finding in self.audit(monitor).findings}
        assert monitor.alerts() == ()
