"""The monitor beside our own logs, over HTTP only: RFC 6962 and static-ct-api, honest through restarts."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import urllib3

from monitor import Monitor
from monitor.schedule import Schedule
from monitor.values import AuditOutcome, Match, Query
from tlog.ct import CtLog, create_log
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.log_list import Log, LogList, encode_log_list
from web.logs import Application, LogServer

NAMES = {"sm2": KeyAlgorithm.SM2, "p256": KeyAlgorithm.ECDSA}
PUBLIC = "http://logs.example.test"


@pytest.fixture
def keys():
    return {name: PrivateKey.generate(algorithm) for name, algorithm in NAMES.items()}


@contextmanager
def running(logs) -> Iterator[str]:
    server = LogServer(Application(logs), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()
        thread.join(60)
        for log in logs.values():
            log.close()


def opened(directory, keys, ca, *, new=False):
    logs = {}
    for name, key in keys.items():
        if new:
            create_log(
                directory / name,
                name=name,
                origin=f"example.test/log/{name}",
                signer=key,
                roots=[Certificate.parse(ca.der)],
                merge_delay=timedelta(seconds=30),
            )
        logs[name] = CtLog(directory / name, key)
    return logs


def listed(keys, api):
    logs = [
        Log(
            log_id=key.public_key.key_id,
            key=key.public_key,
            description=name,
            operator="Example",
            mmd=timedelta(seconds=30),
            url=f"{PUBLIC}/log/{name}/",
            submission_url=f"{PUBLIC}/log/{name}/",
            monitoring_url=f"{PUBLIC}/log/{name}/",
        )
        for name, key in keys.items()
    ]
    return json.dumps(encode_log_list(logs, {"Example": ()}, api, timestamp=datetime.now(UTC)))


def submit(base, name, kind, *chain):
    body = json.dumps({"chain": [base64.b64encode(der).decode() for der in chain]})
    response = urllib3.request(
        "POST", f"{base}/log/{name}/ct/v1/{kind}", body=body, headers={"Content-Type": "application/json"}
    )
    assert response.status == 200, response.data


@pytest.mark.parametrize("api", ["rfc6962", "static"])
def test_our_logs_are_consistent_through_restarts_and_growth(tmp_path, keys, ca, api):
    from verifier.transparency.log_list import parse_log_list

    log_list = parse_log_list(listed(keys, api).encode(), "own")
    assert isinstance(log_list, LogList)
    finals = []
    for round_ in range(3):
        logs = opened(tmp_path / "logs", keys, ca, new=round_ == 0)
        with running(logs) as base:
            for number in range(3):
                precertificate, final = ca.issue_both(f"{number}.r{round_}.example.test")
                for name in keys:
                    submit(base, name, "add-pre-chain", precertificate, ca.der)
                    submit(base, name, "add-chain", final, ca.der)
                finals.append(final)
            monitor = Monitor.open(
                tmp_path / "monitor.db", operator="Example", local={f"{PUBLIC}/": f"{base}/"}
            )
            assert monitor.watch(log_list) == ("sm2", "p256")
            reports = monitor.audit_now()
            assert [report.outcome for report in reports] == [AuditOutcome.CONSISTENT] * 2, reports
            assert [state.head.tree_size for state in monitor.logs()] == [6 * (round_ + 1)] * 2
            assert monitor.alerts() == ()
            monitor.close()
    reader = Monitor.open(tmp_path / "monitor.db", read_only=True)
    page = reader.search(Query("example.test", Match.SUBDOMAIN), datetime.now(UTC))
    assert {result.sha256 for result in page.results} == {
        Certificate.parse(der).fingerprint for der in finals
    }
    assert all(result.logs == ("sm2", "p256") for result in page.results)
    for name in keys:
        assert len(reader.answer_inclusion(name, "")["leaves"]) == 18
    reader.close()


def test_the_schedule_stops_at_once_although_a_log_hangs(database, make_log, tmp_path):
    log = make_log("hangs")
    hanging, ending = threading.Event(), threading.Event()

    def hang(_handler, _query):
        hanging.set()
        ending.wait(120)

    log.hooks["get-sth"] = hang
    listing = Log(
        log_id=log.key.public_key.key_id, key=log.key.public_key, description="", operator="X", url=log.base
    )
    (tmp_path / "list.json").write_text(
        json.dumps(encode_log_list([listing], {"X": ()}, "rfc6962", timestamp=datetime.now(UTC)))
    )
    monitor = Monitor.open(database)
    schedule = Schedule(monitor, (str(tmp_path / "list.json"),), interval=1.0)
    schedule.start()
    assert hanging.wait(60)
    began = time.monotonic()
    schedule.shutdown()
    assert time.monotonic() - began < 20
    ending.set()
    monitor.close()


def test_the_schedule_audits_by_itself_and_stops_cleanly(tmp_path, keys, ca):
    """A log list in a file, two logs, a round every half second; a certificate is there a moment later."""
    logs = opened(tmp_path / "logs", keys, ca, new=True)
    (tmp_path / "log-list.json").write_text(listed(keys, "static"))
    rounds, lines = [], []
    with running(logs) as base:
        monitor = Monitor.open(tmp_path / "monitor.db", local={f"{PUBLIC}/": f"{base}/"})
        schedule = Schedule(
            monitor,
            (str(tmp_path / "log-list.json"), str(tmp_path / "missing.json")),
            interval=0.5,
            after_round=lambda: rounds.append(1),
            report=lines.append,
        )
        schedule.start()
        try:
            submit(base, "sm2", "add-pre-chain", ca.precertificate("soon.example.test"), ca.der)
            until = datetime.now(UTC) + timedelta(seconds=120)
            while datetime.now(UTC) < until:
                if monitor.search(Query("soon.example.test"), datetime.now(UTC)).results and len(rounds) > 4:
                    break
                threading.Event().wait(0.1)
        finally:
            schedule.shutdown()
        overview = monitor.overview()
        assert overview.outcome is AuditOutcome.CONSISTENT
        assert overview.heartbeat is not None
        assert not overview.stale(datetime.now(UTC))
        assert len(monitor.search(Query("soon.example.test"), datetime.now(UTC)).results) == 1
        assert len(rounds) > 4
        assert any("missing.json" in line for line in lines)
        assert all("missing.json" in line for line in lines)
        monitor.close()
