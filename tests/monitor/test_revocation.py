"""Revocation as the certificate's own CRL has it: fetched, verified, kept; honestly unknown otherwise."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from monitor.values import RevocationState


@pytest.fixture
def world(monitor, log, ca):
    """Three certificates that name a CRL on the log's own server, one that names none."""
    url = f"{log.base}issuing.crl"
    ders = [ca.precertificate(f"{number}.example.test", crl=url) for number in range(3)]
    ders.append(ca.precertificate("none.example.test"))
    for der in ders:
        log.add_precertificate(der, ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    return ders


def states(monitor, ders) -> list[RevocationState]:
    return [monitor.certificate(sha256(der).digest()).revocation for der in ders]


def test_not_checked_until_it_was(monitor, world):
    assert [state.status for state in states(monitor, world)] == ["not-checked"] * 4


def test_the_list_decides(monitor, world, log, ca):
    log.files["issuing.crl"] = ca.crl(world[1])
    assert monitor.refresh_revocation(datetime.now(UTC)) == 3
    found = states(monitor, world)
    assert [state.status for state in found] == ["good", "revoked", "good", "not-checked"]
    assert found[1].reason == "keyCompromise"
    assert found[1].revoked_at is not None
    assert found[0].source.endswith("issuing.crl")


def test_all_on_the_list(monitor, world, log, ca):
    log.files["issuing.crl"] = ca.crl(*world[:3])
    monitor.refresh_revocation(datetime.now(UTC))
    assert [state.status for state in states(monitor, world)[:3]] == ["revoked"] * 3


def test_a_list_is_used_until_it_runs_out_or_as_long_as_allowed(monitor, world, log, ca):
    now = datetime.now(UTC)
    log.files["issuing.crl"] = ca.crl()
    monitor.refresh_revocation(now)
    log.files["issuing.crl"] = ca.crl(world[0])
    assert monitor.refresh_revocation(now + timedelta(minutes=5)) == 0
    assert states(monitor, world)[0].status == "good"
    assert monitor.refresh_revocation(now + timedelta(minutes=5), at_least_every=timedelta(seconds=10)) == 3
    assert states(monitor, world)[0].status == "revoked"
    assert (
        monitor.refresh_revocation(now + timedelta(days=2)) == 3
    )  # run out, and what is served is stale too
    assert states(monitor, world)[0].status == "unknown"


def test_a_forged_list_says_nothing(monitor, world, log, ca):
    log.files["issuing.crl"] = ca.crl(world[0], key=ec.generate_private_key(ec.SECP256R1()))
    monitor.refresh_revocation(datetime.now(UTC))
    found = states(monitor, world)[0]
    assert found.status == "unknown"
    assert "not signed by" in found.detail


@pytest.mark.parametrize("body", [b"", b"garbage", b"\x30\x03\x02\x01\x00"])
def test_garbage_says_nothing(monitor, world, log, body):
    log.files["issuing.crl"] = body
    monitor.refresh_revocation(datetime.now(UTC))
    assert {state.status for state in states(monitor, world)[:3]} == {"unknown"}


def test_a_missing_list_is_unknown_and_asked_for_again(monitor, world, log, ca):
    now = datetime.now(UTC)
    monitor.refresh_revocation(now)
    found = states(monitor, world)[0]
    assert (found.status, "404" in found.detail) == ("unknown", True)
    log.files["issuing.crl"] = ca.crl()
    monitor.refresh_revocation(now + timedelta(seconds=61))
    assert states(monitor, world)[0].status == "good"


def test_other_schemes_are_not_followed(monitor, log, ca):
    der = ca.precertificate("file.example.test", crl="file:///etc/passwd")
    log.add_precertificate(der, ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    monitor.refresh_revocation(datetime.now(UTC))
    assert "only http and https" in states(monitor, [der])[0].detail
