"""A certificate's page: its forms joined, its pair, its SCTs verified, its entries, its issuers."""

import dataclasses
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from asn1crypto.core import OctetString
from cryptography import x509

from monitor import Monitor
from monitor.errors import StoreError
from monitor.values import AuditOutcome, Query
from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency.entries import entry_for_certificate
from verifier.transparency.sct import encode_sct_list
from verifier.transparency.verify import sign_sct

NOW = datetime.now(UTC)
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
RELATED = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.36")


def logged_dual(log, ca, *names, related=None):
    """A precertificate in the log, and the final certificate with the log's SCT over it."""
    builder = ca.builder(*names)
    if related is not None:
        value = (
            bytes([0x30, 0x2F])
            + bytes.fromhex("300b0609608648016503040201")
            + b"\x04\x20"
            + sha256(related).digest()
        )
        builder = builder.add_extension(x509.UnrecognizedExtension(RELATED, value), critical=False)
    precertificate = ca.sign(builder.add_extension(x509.PrecertPoison(), critical=True))
    timestamp = log.now()
    index = log.add_precertificate(precertificate, ca, timestamp=timestamp)
    entry = entry_for_certificate(Certificate.parse(precertificate), Certificate.parse(ca.der))
    sct = sign_sct(entry, timestamp, b"", log.key)
    return index, precertificate, sct, builder


def final(ca, builder, *scts):
    octets = OctetString(encode_sct_list(scts)).dump()
    return ca.sign(builder.add_extension(x509.UnrecognizedExtension(SCT_LIST, octets), critical=False))


@pytest.fixture
def audited(monitor, log):
    def audit():
        monitor.watch_log(log.watched())
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT
        return monitor

    return audit


def test_precertificate_and_final_certificate_are_one(audited, log, ca):
    _, precertificate, sct, builder = logged_dual(log, ca, "one.example.test")
    monitor = audited()
    before = monitor.certificate(sha256(precertificate).digest())
    assert before.summary.precertificate_only
    assert [entry.log for entry in before.entries] == ["made"]

    certificate = final(ca, builder, sct)
    shown = monitor.join(Certificate.parse(certificate))
    assert shown.der == certificate
    assert monitor.certificate(sha256(certificate).digest()) is None  # showing writes nothing

    log.add_certificate(certificate, ca)
    monitor.audit_now()
    for wanted in (certificate, precertificate):
        detail = monitor.certificate(sha256(wanted).digest())
        assert detail.der == certificate
        assert not detail.summary.precertificate_only
        assert [one.precertificate for one in detail.encodings] == [False, True]
        assert [(one.index, one.precertificate) for one in detail.entries] == [(0, True), (1, False)]
        assert all(one.included for one in detail.entries)
        assert [one.der for one in detail.chain] == [ca.der]
    assert monitor.overview().certificates == 1
    assert len(monitor.search(Query("one.example.test"), NOW).results) == 1


def test_a_certificate_from_elsewhere_joins_its_precertificate(audited, log, ca):
    _, precertificate, sct, builder = logged_dual(log, ca, "added.example.test")
    monitor = audited()
    certificate = final(ca, builder, sct)
    assert monitor.add_certificate(certificate, [ca.der]) == sha256(certificate).digest()
    assert monitor.add_certificate(certificate, [ca.der]) == sha256(certificate).digest()
    detail = monitor.certificate(sha256(precertificate).digest())
    assert detail.summary.sha256 == sha256(certificate).digest()
    with pytest.raises(MalformedInput):
        monitor.add_certificate(certificate + b"\0")


def test_scts_are_verified_and_point_to_their_entries(audited, log, ca, make_log):
    index, _, sct, builder = logged_dual(log, ca, "sct.example.test")
    unknown = make_log("unknown")
    entry = entry_for_certificate(Certificate.parse(final(ca, builder, sct)), Certificate.parse(ca.der))
    stranger = sign_sct(entry, log.now(), b"", unknown.key)
    damaged = dataclasses.replace(sct, timestamp=sct.timestamp + 1)
    monitor = audited()
    certificate = final(ca, builder, sct, damaged, stranger)
    monitor.add_certificate(certificate, [ca.der])
    good, bad, strange = monitor.certificate(sha256(certificate).digest()).scts
    assert (good.state, good.log, good.operator) == ("verified", "made", "Log Operator")
    assert good.entry.index == index
    assert good.entry.included
    assert good.timestamp == sct.time
    assert (bad.state, bad.entry) == ("invalid", None)
    assert (strange.state, strange.log) == ("unknown-log", None)


def test_a_pair_is_linked_both_ways(audited, log, ca):
    _, _, sct, builder = logged_dual(log, ca, "pair.example.test")
    first = final(ca, builder, sct)
    log.add_certificate(first, ca)
    _, _, sct, builder = logged_dual(log, ca, "pair.example.test", related=first)
    second = final(ca, builder, sct)
    log.add_certificate(second, ca)
    assert Certificate.parse(second).related_certificate == sha256(first).digest()
    monitor = audited()
    one = monitor.certificate(sha256(first).digest())
    two = monitor.certificate(sha256(second).digest())
    assert one.pair.sha256 == sha256(second).digest()
    assert two.pair.sha256 == sha256(first).digest()
    results = monitor.search(Query("pair.example.test"), NOW).results
    assert [result.pair for result in results] == [sha256(first).digest(), sha256(second).digest()]


def test_issuers_come_from_the_chains(audited, log, ca):
    log.add_precertificate(ca.precertificate("a.example.test"), ca)
    log.add_precertificate(ca.precertificate("b.example.test"), ca)
    (issuer,) = audited().issuers()
    assert (issuer.sha256, issuer.parent, issuer.certificates) == (sha256(ca.der).digest(), None, 2)


def test_an_unknown_certificate_is_none(audited, ca):
    monitor = audited()
    assert monitor.certificate(bytes(32)) is None
    assert monitor.join(Certificate.parse(ca.issue("never.example.test"))) is None


class TestReaders:
    """The site reads what the scheduler writes, from before the database exists."""

    def test_a_reader_may_come_first(self, database, log, ca):
        reader = Monitor.open(database, read_only=True)
        assert reader.overview().logs == ()
        assert reader.overview().stale(NOW)
        assert reader.search(Query("example.test"), NOW).results == ()
        assert not database.exists()
        writer = Monitor.open(database)
        log.add_precertificate(ca.precertificate("late.example.test"), ca)
        writer.watch_log(log.watched())
        writer.audit_now()
        writer.beat(NOW, 10.0)
        assert len(reader.search(Query("late.example.test"), NOW).results) == 1
        overview = reader.overview()
        assert (overview.entries, overview.certificates, overview.interval) == (1, 1, 10.0)
        assert not overview.stale(NOW + timedelta(seconds=20))
        assert overview.stale(NOW + timedelta(seconds=40))
        reader.close()
        writer.close()

    def test_a_reader_writes_nothing(self, database, log):
        Monitor.open(database).close()
        reader = Monitor.open(database, read_only=True)
        with pytest.raises(StoreError, match="reading only"):
            reader.watch_log(log.watched())
        reader.close()

    def test_a_newer_database_is_refused(self, database):
        import sqlite3

        connection = sqlite3.connect(database)
        connection.execute("PRAGMA user_version=99")
        connection.close()
        for read_only in (False, True):
            with pytest.raises(StoreError, match="version 99"):
                Monitor.open(database, read_only=read_only).overview()

    def test_what_is_no_database_is_refused(self, database):
        database.write_bytes(b"not a database at all" * 100)
        with pytest.raises(StoreError, match="could not open"):
            Monitor.open(database)
