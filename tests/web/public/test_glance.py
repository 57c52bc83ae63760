"""The figures of the home page: a stranger sees within five seconds whether all is well."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.values import AuditCode, AuditFinding, FindingOutcome
from web.public import create_app
from web.public.costly import Costly

from .cosigned import make_accused


def figures(page):
    return page.partition('<dl class="glance">')[2].partition("</dl>")[0]


def test_all_is_well(client):
    shown = figures(client.get("/").text)
    assert "2 of 2" in shown
    assert "none open" in shown
    assert "no one else cosigns" in shown
    assert "is-refused" not in shown


def test_certificates_by_state_lead_to_the_searches_that_list_them(client):
    facts = client.get("/?output=json").json
    states = facts["certificates_by_state"]
    assert states["revoked"] == states["expired"] == 2
    assert states["valid"] + states["revoked"] + states["expired"] == facts["certificates"]
    shown = figures(client.get("/").text)
    for count, search in (
        (states["revoked"], "/search?revocation=revoked&exclude=expired"),
        (states["valid"], "/search?validity=valid&exclude=revoked"),
    ):
        assert len(client.get(f"{search}&output=json").json["results"]) == count
    assert "revocation=revoked&amp;exclude=expired" in shown
    assert "2 revoked" in shown


def test_a_silent_auditor_and_an_empty_site_are_not_known(world, tmp_path):
    later = create_app(world.settings(), clock=lambda: datetime.now(UTC) + timedelta(days=1)).test_client()
    assert "the auditor is silent" in figures(later.get("/").text)
    empty = figures(create_app(world.settings(data=tmp_path)).test_client().get("/").text)
    assert "0 of 0" in empty
    assert "never" in empty
    assert empty.count("is-not-yet-known") >= 2


def test_a_log_that_lies_stands_out(world, tmp_path):
    shown = figures(make_accused(world, tmp_path).test_client().get("/").text)
    assert "1 of 2" in shown
    assert "1 open alert" in shown
    assert shown.count("symbol is-refused") == 2


def test_an_alert_that_distrusts_nobody_is_to_be_looked_at_but_no_refusal(world, tmp_path):
    stale = AuditFinding(AuditCode.HEAD_STALE, FindingOutcome.FAILED, "The newest tree head is old.", "STH")
    with world.copied(tmp_path) as monitor:
        (report,) = monitor.audits("sm2", limit=1)
        monitor._audits.keep(monitor.auditing._logs.get("sm2").id, replace(report, findings=(stale,)))
    shown = figures(create_app(world.settings(data=tmp_path)).test_client().get("/").text)
    assert "1 open alert" in shown
    assert shown.count("symbol is-not-yet-known") == 1
    assert "is-refused" not in shown


def until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_what_is_costly_is_made_at_most_one_part_in_fifty_of_the_time():
    made = []

    def make():
        time.sleep(0.5)
        made.append(1)
        return len(made)

    kept = Costly()
    assert [kept.get(make) for _ in range(20)] == [1] * 20  # and for the 25 seconds that follow
    assert made == [1]


def test_what_is_old_is_made_anew_while_nobody_waits():
    kept, go = Costly(), threading.Event()
    assert kept.get(lambda: 1) == 1

    def slow():
        go.wait(60)
        return 2

    for _ in range(50):  # what took no time is old at once; none of these waits for the one that is under way
        assert kept.get(slow) == 1
        time.sleep(0.001)
    assert sum(thread.name == "costly" for thread in threading.enumerate()) == 1
    go.set()
    until(lambda: kept.get(lambda: 2) == 2)


def test_what_fails_leaves_the_old_value_and_is_tried_again(caplog):
    kept = Costly()
    with pytest.raises(ZeroDivisionError):
        kept.get(lambda: 1 / 0)
    assert kept.get(lambda: 1.0) == 1
    until(lambda: (kept.get(lambda: 1 / 0), "could not make a value anew" in caplog.text)[1])
    assert kept.get(lambda: 1 / 0) == 1
    until(lambda: kept.get(lambda: 3.0) == 3)


def test_many_threads_make_the_first_value_once():
    kept, made = Costly(), []

    def make():
        time.sleep(0.2)
        made.append(1)
        return 1

    threads = [threading.Thread(target=kept.get, args=(make,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
