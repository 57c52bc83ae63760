"""Which certificates are this authority's own: told by the TBS, never by the serial number alone."""

import hashlib
import sqlite3

import pytest

from issuer.authority import IssueRequest
from issuer.errors import LogSubmissionFailed, StoreError
from issuer.lookup import OwnCertificates
from verifier.certificates import Certificate


def tbs_hash(certificate: Certificate) -> bytes:
    return hashlib.sha256(certificate.precertificate_tbs).digest()


@pytest.fixture
def own(data):
    opened = OwnCertificates(data / "issuer.db")
    yield opened
    opened.close()


def test_an_issued_certificate_and_its_precertificate(authority, own, logs):
    dual = authority.issue(IssueRequest(("good.mingjing.test",)))
    for member in (dual.sm2.certificate, dual.ecc.certificate):
        assert own.made(member.serial, tbs_hash(member))
    submitted = [Certificate.parse(chain[0]) for log in logs for chain in log.submissions]
    assert submitted
    assert all(own.made(one.serial, tbs_hash(one)) for one in submitted)


def test_a_precertificate_that_was_logged_and_never_became_a_certificate(authority, own, logs):
    logs[1].misbehave = lambda answer: type(answer)(500, b"no")
    with pytest.raises(LogSubmissionFailed):
        authority.issue(IssueRequest(("good.mingjing.test",)))
    logged = Certificate.parse(logs[0].submissions[0][0])
    assert own.made(logged.serial, tbs_hash(logged))


def test_what_borrows_a_serial_number_is_not_ours(authority, own):
    ours = authority.issue(IssueRequest(("good.mingjing.test",))).ecc.certificate
    assert not own.made(ours.serial, b"\0" * 32)
    assert not own.made(ours.serial + 1, tbs_hash(ours))


def test_what_was_only_intended_was_never_signed(authority, own, data, logs):
    authority.issue(IssueRequest(("good.mingjing.test",)))
    logged = Certificate.parse(logs[0].submissions[0][0])
    with sqlite3.connect(data / "issuer.db") as raw:
        raw.execute("DELETE FROM certificates")
        raw.execute("UPDATE intents SET state='intended'")
    raw.close()
    assert not own.made(logged.serial, tbs_hash(logged))


def test_a_database_that_cannot_be_read_is_an_error_and_asked_again(tmp_path):
    own = OwnCertificates(tmp_path / "issuer.db")
    with pytest.raises(StoreError, match="could not read"):
        own.made(1, b"")
    assert not (tmp_path / "issuer.db").exists()
