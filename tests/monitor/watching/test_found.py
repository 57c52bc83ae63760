"""What becomes a notice: new and past certificates, known ones, malformed entries, the auditor's alerts."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from monitor import Monitor
from monitor.follower.follow import Follower
from monitor.follower.rfc6962 import Rfc6962Source
from monitor.values import AuditOutcome
from monitor.watching import rounds
from monitor.watching.values import Kind, Origin, Subject
from verifier.certificates import Certificate

SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")


def tbs_hash(der):
    return hashlib.sha256(Certificate.parse(der).precertificate_tbs).digest()


def look(runner):
    while runner.look(datetime.now(UTC)):
        pass


def noticed(watchlist, **wanted):
    """Return origin by matched name, oldest first."""
    notices = reversed(watchlist.monitor.watching.notices(**wanted))
    return [(notice.matched, notice.origin) for notice in notices]


@pytest.fixture
def runner(watchlist):
    """A runner whose portions the test takes one by one; its couriers end with the test."""
    made = watchlist.runner()
    yield made
    made.stop_couriers()


def test_a_certificate_that_is_logged_later_is_noticed_once(watchlist, runner, ca, log):
    watchlist.watch(".example.com", hook=False)
    look(runner)
    precertificate, final = ca.issue_both("www.example.com")
    log.add_precertificate(precertificate, ca)
    log.add_precertificate(ca.precertificate("www.example.org"), ca)
    watchlist.monitor.watch_log(log.watched())
    watchlist.monitor.audit_now()
    look(runner)
    log.add_certificate(final, ca)
    watchlist.monitor.audit_now()
    look(runner)
    (notice,) = watchlist.monitor.watching.notices()
    assert notice.matched == ("www.example.com",)
    assert (notice.kind, notice.value, notice.origin) == (Kind.SUBTREE, ".example.com", Origin.UNKNOWN)
    assert notice.certificate.logs == ("made",)
    assert notice.open
    assert "logged in made" in notice.summary
    assert "CN=Test Issuing CA" in notice.summary
    (item,) = watchlist.monitor.watching.state().watches
    assert (item.unknown, item.total) == (1, 1)
    assert item.last_seen is not None


@pytest.mark.parametrize(("name", "value"), [
    (x509.UniformResourceIdentifier("https://shop.example.com:8443/x"), "shop.example.com"),
    (x509.UniformResourceIdentifier("sip:alice@example.com"), "example.com"),
    (x509.OtherName(SRV_NAME, b"\x16\x11_imap.example.com"), "_imap.example.com"),
])  # fmt: skip
def test_a_name_in_a_uri_or_an_other_name_is_found(watchlist, runner, ca, name, value):
    """What a client of another protocol than https may go by; a past certificate is found too."""
    made = ca._builder(x509.Name([]), ca._leaf_key.public_key(), datetime.now(UTC) + timedelta(days=9))
    der = ca.sign(made.add_extension(x509.SubjectAlternativeName([name]), critical=True))
    watchlist.monitor.add_certificate(der)
    watchlist.watch(".example.com", hook=False)
    look(runner)
    assert noticed(watchlist) == [((value,), Origin.UNKNOWN)]


@pytest.mark.parametrize("oid", ["1.3.6.1.5.5.7.8.9", "1.3.6.1.4.1.311.20.2.3"])
def test_an_address_in_an_other_name_is_found(watchlist, runner, ca, oid):
    """SmtpUTF8Mailbox, and a user principal name."""
    text = "\u7528@example.com".encode()
    name = x509.OtherName(x509.ObjectIdentifier(oid), bytes((0x0C, len(text))) + text)
    made = ca._builder(x509.Name([]), ca._leaf_key.public_key(), datetime.now(UTC) + timedelta(days=9))
    watchlist.watch(hook=False, more='emails = ["example.com"]')
    look(runner)
    der = ca.sign(made.add_extension(x509.SubjectAlternativeName([name]), critical=True))
    watchlist.monitor.add_certificate(der)
    look(runner)
    ((matched, origin),) = noticed(watchlist)
    assert (matched, origin) == (("\u7528@example.com",), Origin.UNKNOWN)


def test_what_our_issuer_made_and_what_is_authorised_raises_no_alert(watchlist, runner, ca):
    ours, known, other = (ca.issue(f"{name}.example.com") for name in ("ours", "known", "other"))
    watchlist.ours.add(tbs_hash(ours))
    watchlist.watch(".example.com", hook=True, more=f'authorised = ["sha256:{tbs_hash(known).hex()}"]')
    look(runner)
    for der in (ours, known, other):
        watchlist.monitor.add_certificate(der)
    look(runner)
    assert noticed(watchlist) == [
        (("ours.example.com",), Origin.OURS),
        (("known.example.com",), Origin.AUTHORISED),
        (("other.example.com",), Origin.UNKNOWN),
    ]
    (item,) = watchlist.monitor.watching.state().watches
    beside = watchlist.monitor.watching.beside(item.id)
    assert [len(group) for group in (beside.ours, beside.authorised, beside.unknown)] == [1, 1, 1]
    queued = [notice.matched for notice in watchlist.monitor.watching.notices() if notice.deliveries]
    assert queued == [("other.example.com",)]


def test_authorised_later_and_no_longer(watchlist, runner, ca):
    der = ca.issue("other.example.com")
    watchlist.watch(".example.com", hook=False)
    look(runner)
    watchlist.monitor.add_certificate(der)
    look(runner)
    watchlist.watch(".example.com", hook=False, more=f'authorised = ["{tbs_hash(der).hex()}"]')
    look(runner)
    assert noticed(watchlist) == [(("other.example.com",), Origin.AUTHORISED)]
    watchlist.watch(".example.com", hook=False)
    look(runner)
    assert noticed(watchlist) == [(("other.example.com",), Origin.UNKNOWN)]
    watchlist.monitor.watching.authorise(tbs_hash(der), datetime.now(UTC))
    watchlist.watch(".example.com", hook=False, more="# once more")
    look(runner)
    assert noticed(watchlist) == [(("other.example.com",), Origin.AUTHORISED)]


class TestPast:
    """A newly watched name finds what is indexed already."""

    def test_at_once_and_hidden_names_too(self, watchlist, runner, ca, log):
        watchlist.watch("unrelated.example", hook=False)
        look(runner)
        for number in range(20):
            log.add_precertificate(ca.precertificate(f"{number}.example.org"), ca)
        for name in (
            "www.example.com",
            "*.example.com",
            "evil.example\0www.example.com",
            "other.example.net",
        ):
            log.add_precertificate(ca.precertificate(name), ca)
        watchlist.monitor.watch_log(log.watched())
        watchlist.monitor.audit_now()
        look(runner)
        asked = len(log.requests)
        watchlist.watch("unrelated.example", "www.example.com", hook=False)
        runner.look(datetime.now(UTC))
        assert {matched for matched, _ in noticed(watchlist)} == {("www.example.com",), ("*.example.com",)}
        look(runner)
        assert len(noticed(watchlist)) == 3
        assert len(log.requests) == asked, "the log was read again"
        item = next(w for w in watchlist.monitor.watching.state().watches if w.value == "www.example.com")
        assert item.scanned == 1.0

    def test_what_the_index_found_first_is_not_told_again_when_all_is_searched(self, watchlist, runner, ca):
        watchlist.watch(hook=False)
        look(runner)
        watchlist.monitor.add_certificate(ca.issue("www.example.com"))
        look(runner)
        watchlist.watch("www.example.com", hook=False)
        runner.look(datetime.now(UTC))
        (found,) = watchlist.monitor.watching.notices()
        seen = watchlist.monitor.watching.acknowledge(found.id, "ours", datetime.now(UTC))
        look(runner)
        assert watchlist.monitor.watching.notices() == (seen,)

    def test_all_of_a_large_index_is_searched(self, watchlist, runner, ca, monkeypatch):
        """Hidden names, which a query does not find, in more than one portion."""
        monkeypatch.setattr(rounds, "CHUNK", 2)
        watchlist.watch(hook=False)
        look(runner)
        for number in range(5):
            watchlist.monitor.add_certificate(ca.issue(f"{number}.exam\0ple.com"))
        look(runner)
        watchlist.watch(".example.com", hook=False)
        look(runner)
        assert len(noticed(watchlist)) == 5

    def test_names_that_look_alike(self, watchlist, runner, ca):
        for name in ("www.examp1e.com", "www.example.com"):
            watchlist.monitor.add_certificate(ca.issue(name))
        watchlist.watch(hook=False)
        look(runner)
        watchlist.watch(hook=False, more='lookalikes = ["example.com"]')
        look(runner)
        assert noticed(watchlist) == [(("www.examp1e.com",), Origin.UNKNOWN)]

    def test_every_kind(self, watchlist, runner, ca):
        watchlist.monitor.add_certificate(ca.issue("a.example.com", organisation="Corp Ltd"))
        watchlist.watch(hook=False)
        look(runner)
        watchlist.watch(hook=False, more='organisations = ["corp"]\nissuers = ["Test Issuing"]')
        look(runner)
        assert {n.kind for n in watchlist.monitor.watching.notices()} == {Kind.ORGANISATION, Kind.ISSUER}

    def test_what_has_expired_is_listed_and_not_delivered(self, watchlist, runner, ca):
        watchlist.watch(hook=False)
        look(runner)
        past = datetime.now(UTC) - timedelta(days=1)
        watchlist.monitor.add_certificate(ca.issue("old.example.com", not_after=past))
        watchlist.monitor.add_certificate(ca.issue("new.example.com"))
        look(runner)
        watchlist.watch(".example.com")
        look(runner)
        assert set(noticed(watchlist)) == {
            (("old.example.com",), Origin.EXPIRED),
            (("new.example.com",), Origin.UNKNOWN),
        }
        queued = [notice.matched for notice in watchlist.monitor.watching.notices() if notice.deliveries]
        assert queued == [("new.example.com",)]

    def test_past_can_be_listed_only(self, watchlist, runner, ca):
        watchlist.watch(hook=False)
        look(runner)
        watchlist.monitor.add_certificate(ca.issue("new.example.com"))
        look(runner)
        watchlist.watch(".example.com", more='[delivery]\npast = "list"\n')
        look(runner)
        (notice,) = watchlist.monitor.watching.notices(open_only=True)
        assert notice.deliveries == ()

    def test_a_name_that_comes_back_catches_up(self, watchlist, runner, ca):
        watchlist.watch(".example.com", hook=False)
        look(runner)
        watchlist.watch(hook=False)
        look(runner)
        watchlist.monitor.add_certificate(ca.issue("between.example.com"))
        look(runner)
        assert noticed(watchlist) == []
        watchlist.watch(".example.com", hook=False)
        look(runner)
        assert noticed(watchlist) == [(("between.example.com",), Origin.UNKNOWN)]

    def test_an_older_database_keeps_its_certificates_for_the_past(self, database, ca):
        from monitor.store.schema import connect

        monitor = Monitor.open(database)
        monitor.add_certificate(ca.issue("www.example.com"))
        monitor.close()
        raw = connect(database, read_only=False).conn
        tables = raw.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        ours = {
            "watchlist",
            "watches",
            "watched_malformed",
            "watched_alerts",
            "authorised",
            "notices",
            "notes",
        }
        for (name,) in tables:
            if name in ours | {"channels", "deliveries", "alert_evidence"}:
                raw.execute(f"DROP TABLE {name}")
        raw.execute("ALTER TABLE alerts ADD COLUMN evidence TEXT NOT NULL DEFAULT '{}'")  # until version 4
        raw.execute("PRAGMA user_version=3")
        raw.commit()
        raw.close()
        monitor = Monitor.open(database)
        assert monitor.watching._watches.state()["position"] == 1
        monitor.close()


class TestMalformed:
    """Entries that do not parse concern the owner of a name in them too."""

    def entry(self, ca, name):
        """A leaf whose certificate is cut short: nothing parses, the name still stands in it."""
        from verifier.transparency.entries import X509Entry, merkle_tree_leaf
        from verifier.transparency.extra_data import X509ChainEntry

        der = ca.issue(name)
        broken = der[:-200] + b"\0" * 200
        return merkle_tree_leaf(X509Entry(broken), 1, b""), X509ChainEntry((ca.der,)).encode()

    def test_is_noticed_once_also_for_a_name_watched_later(self, watchlist, runner, ca, log):
        watchlist.watch(".example.com", hook=False)
        look(runner)
        log.entries += [self.entry(ca, "www.example.com"), self.entry(ca, "www.example.net")]
        watchlist.monitor.watch_log(log.watched())
        watchlist.monitor.audit_now()
        look(runner)
        (notice,) = watchlist.monitor.watching.notices()
        assert (notice.subject, notice.log, notice.index) == (Subject.MALFORMED, "made", 0)
        watchlist.watch(".example.com", ".example.net", hook=False)
        look(runner)
        found = watchlist.monitor.watching.notices(subject=Subject.MALFORMED)
        assert [n.index for n in found] == [1, 0]

    def test_entries_read_again_are_looked_at_again(self, watchlist, runner, ca, log):
        watchlist.watch(".example.com", hook=False)
        log.entries.append(self.entry(ca, "a.example.org"))
        watchlist.monitor.watch_log(log.watched())
        watchlist.monitor.audit_now()
        look(runner)
        logs = watchlist.monitor._logs
        row = logs.get("made").id
        logs.rewind(row, 0)
        log.entries[0] = self.entry(ca, "www.example.com")
        Follower(row, Rfc6962Source(log.base, watchlist.monitor.fetcher), logs).follow(1)
        look(runner)
        assert [n.index for n in watchlist.monitor.watching.notices(subject=Subject.MALFORMED)] == [0]


class TestLogAlerts:
    """What the auditor finds is delivered like everything else."""

    def test_an_alert_is_told_once_and_again_after_a_quiet_hour(self, watchlist, runner, ca, log):
        watchlist.watch(hook=False)
        log.add_precertificate(ca.precertificate("a.example"), ca)
        log.timestamp = log.now() + 86_400_000
        watchlist.monitor.watch_log(log.watched())
        for _ in range(3):
            (report,) = watchlist.monitor.audit_now()
            look(runner)
        assert report.outcome is AuditOutcome.INCONSISTENT
        (notice,) = watchlist.monitor.watching.notices(subject=Subject.LOG)
        assert (notice.log, notice.code) == ("made", "head-from-future")
        with watchlist.monitor._connections.write() as connection:
            connection.execute("UPDATE watched_alerts SET last_at = last_at - 3700000")
        look(runner)
        assert len(watchlist.monitor.watching.notices(subject=Subject.LOG)) == 2

    def test_acknowledged_with_a_note_which_stays(self, watchlist, runner, log, database):
        watchlist.watch(hook=False)
        log.timestamp = log.now() + 86_400_000
        watchlist.monitor.watch_log(log.watched())
        watchlist.monitor.audit_now()
        look(runner)
        (notice,) = watchlist.monitor.watching.notices(open_only=True)
        watchlist.monitor.watching.acknowledge(notice.id, "their clock", datetime.now(UTC))
        watchlist.monitor.watching.acknowledge(notice.id, "they have set it", datetime.now(UTC))
        reader = Monitor.open(database, read_only=True)
        again = reader.watching.notice(notice.id)
        assert [note.text for note in again.notes] == ["their clock", "they have set it"]
        assert not again.open
        assert reader.watching.state().open == 0
        (alert,) = reader.alerts()
        assert alert.acknowledged
        assert [note.text for note in reader.evidence.notes(alert.id)] == ["their clock", "they have set it"]
        json.dumps(again.state_json())
        reader.close()

    def test_acknowledged_with_the_audit_closes_the_notice_too(self, watchlist, runner, log):
        watchlist.watch(hook=False)
        log.timestamp = log.now() + 86_400_000
        watchlist.monitor.watch_log(log.watched())
        watchlist.monitor.audit_now()
        look(runner)
        (notice,) = watchlist.monitor.watching.notices(open_only=True)
        watchlist.monitor.evidence.acknowledge(notice.alert, "seen", datetime.now(UTC))
        look(runner)
        assert watchlist.monitor.watching.state().open == 0

    def test_it_says_where_the_evidence_is(self, watchlist, until, log):
        watchlist.watch()
        log.timestamp = log.now() + 86_400_000
        watchlist.monitor.watch_log(log.watched())
        with watchlist.running():
            until(lambda: watchlist.monitor.watching.state().channels)
            watchlist.monitor.audit_now()
            (told,) = until(watchlist.received)
        (alert,) = watchlist.monitor.alerts()
        assert told["evidence"] == f"https://site.example/evidence/{alert.id}.json"
        assert told["code"] == alert.code.value


def test_one_certificate_that_cannot_be_compared_hides_no_other(watchlist, runner, ca, monkeypatch):
    from monitor.watching.match import Matcher

    real = Matcher.certificate

    def fails(self, found):
        if "bad.example.org" in found.names:
            raise RecursionError("too deep")
        return real(self, found)

    monkeypatch.setattr(Matcher, "certificate", fails)
    watchlist.watch(".example.com", hook=False)
    look(runner)
    for name in ("bad.example.org", "www.example.com"):
        watchlist.monitor.add_certificate(ca.issue(name))
    look(runner)
    bad, good = reversed(watchlist.monitor.watching.notices())
    assert "could not be compared" in bad.matched[0]
    assert good.matched == ("www.example.com",)
