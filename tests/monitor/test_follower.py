"""The follower: every entry once, from the very one where it stopped, whatever happens on the way."""

import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from monitor import Monitor
from monitor.follower import quiet
from monitor.values import AuditOutcome, Match, Query
from tests.monitor.conftest import reply_entries
from verifier.algorithms import KeyAlgorithm
from verifier.transparency.entries import PrecertEntry, merkle_tree_leaf
from verifier.transparency.extra_data import PrecertChainEntry
from verifier.transparency.merkle import hash_leaf, root_of

FOLLOW = """
import sys
from datetime import timedelta
from pathlib import Path
from monitor import Monitor
from monitor.values import WatchedLog
from verifier.algorithms import PublicKey
key = PublicKey.from_spki(bytes.fromhex(sys.argv[3]))
monitor = Monitor.open(Path(sys.argv[1]))
monitor.watch_log(WatchedLog("made", key.key_id, key, "", "", timedelta(seconds=60), url=sys.argv[2]))
print("started", flush=True)
(report,) = monitor.audit_now()
print(report.outcome.value, flush=True)
"""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.deep)])
def test_kill_9_at_any_moment_changes_nothing(database, log, ca, kills):
    """At random moments of reading some thousand entries: counts and root match in the end."""
    size = 800 * kills if kills > 5 else 4000
    ders = [ca.precertificate(f"{number}.killed.example.test") for number in range(40)]
    for number in range(size):
        log.add_precertificate(ders[number % 40], ca, timestamp=log.now() + number)
    log.limit = 50
    spki = log.key.public_key.spki.hex()
    command = [sys.executable, "-c", FOLLOW, str(database), log.base, spki]
    sizes = []
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"started\n"
            time.sleep(random.uniform(0.02, 0.12))  # noqa: S311
            process.send_signal(signal.SIGKILL)
        reader = Monitor.open(database, read_only=True)
        state = reader.log("made")
        sizes.append(state.followed)
        assert reader.alerts() == ()
        reader.close()
    assert sizes == sorted(sizes)
    assert subprocess.run(command, capture_output=True, check=True).stdout.endswith(b"consistent\n")
    monitor = Monitor.open(database)
    state = monitor.log("made")
    assert (state.followed, state.head.tree_size, state.malformed) == (size, size, 0)
    assert state.head.root_hash == root_of(log.hashes())
    assert monitor.overview().certificates == 40
    starts = [int(path.split("start=")[1].split("&")[0]) for path in log.requests if "get-entries" in path]
    assert (
        len(set(starts)) <= len(starts) <= len(set(starts)) + kills
    )  # at most the batch in flight is asked twice
    monitor.close()


def test_two_processes_on_one_log_do_not_disturb_each_other(database, log, ca):
    der = ca.precertificate("same.example.test")
    for _ in range(600):
        log.add_precertificate(der, ca)
    log.limit = 7
    command = [sys.executable, "-c", FOLLOW, str(database), log.base, log.key.public_key.spki.hex()]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in running]
    assert {output.split()[-1] for output in outputs} <= {b"consistent", b"pending"}
    monitor = Monitor.open(database)
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert monitor.log("made").followed == 600
    assert monitor.alerts() == ()
    monitor.close()


def test_the_batch_adapts_to_what_the_log_gives(monitor, log, ca):
    der = ca.precertificate("batch.example.test")
    for _ in range(1500):
        log.add_precertificate(der, ca)
    log.limit = 64
    monitor.watch_log(log.watched())
    monitor.audit_now()
    asked = [path for path in log.requests if "get-entries" in path]
    assert len(asked) <= 1500 / 64 + 5
    assert monitor.log("made").followed == 1500


def test_a_busy_log_is_waited_for_as_long_as_it_asks(monitor, log, ca, reply):
    log.add_precertificate(ca.precertificate("busy.example.test"), ca)
    moments = []

    def answer(handler, _query):
        moments.append(time.monotonic())
        if len(moments) == 1:
            reply(handler, b"", 429, Retry_After="1")
        else:
            reply_entries(handler, log.entries[:1])

    log.hooks["get-entries"] = answer
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert 0.9 < moments[1] - moments[0] < 5


@pytest.mark.parametrize("status", [429, 503])
def test_what_a_log_asked_for_holds_in_the_next_rounds(monitor, log, ca, reply, status):
    """Retry-After is longer than a round: nothing is asked before it is over, and only then again."""
    log.add_precertificate(ca.precertificate("quiet.example.test"), ca)
    asked = []

    def answer(handler, _query):
        asked.append(time.monotonic())
        del log.hooks["get-entries"]
        reply(handler, b"", status, Retry_After="3")

    log.hooks["get-entries"] = answer
    monitor.watch_log(log.watched())
    while not asked:  # a slow machine may not come to it in the first round
        monitor.audit_now(budget=timedelta(seconds=1))
    for _ in range(2):
        monitor.audit_now(budget=timedelta(seconds=1))
    served = [path for path in log.requests if "get-entries" in path]
    if time.monotonic() < asked[0] + 3:
        assert len(served) == 1
    now = datetime.now(UTC)
    (row,) = [one for one in monitor.observations.availability("made", now) if one.endpoint == "get-entries"]
    assert (row.ok, row.failed) == (0, 0 if status == 429 else 1)
    while time.monotonic() < asked[0] + 3:
        time.sleep(0.1)
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT


def test_no_log_escapes_by_asking_for_an_age(monitor, log, ca, reply, monkeypatch):
    monkeypatch.setattr(quiet, "LONGEST_QUIET", 0.2)
    log.add_precertificate(ca.precertificate("age.example.test"), ca)

    def answer(handler, _query):
        del log.hooks["get-entries"]
        reply(handler, b"", 503, Retry_After="9" * 400)

    log.hooks["get-entries"] = answer
    monitor.watch_log(log.watched())
    monitor.audit_now(budget=timedelta(seconds=0.1))
    time.sleep(0.3)
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT


def test_the_batch_shrinks_when_the_log_is_busy_or_the_answer_too_large_and_grows_again(
    monitor, log, ca, reply
):
    """A 429 halves what is asked for, as does an answer beyond every bound; good answers double it."""
    der = ca.precertificate("shrink.example.test")
    for _ in range(3000):
        log.add_precertificate(der, ca)
    log.limit = 5000
    asked, honest = [], []

    def answer(handler, query):
        count = int(query["end"]) - int(query["start"]) + 1
        asked.append(count)
        if len(asked) == 2:
            reply(handler, b"", 429, Retry_After="0")
        elif len(asked) == 3:
            handler.send_response(200)
            handler.send_header("Content-Length", str(10**10))
            handler.end_headers()
            handler.close_connection = True
        else:
            honest.append(count)
            del log.hooks["get-entries"]
            log.answer(handler)
            log.hooks["get-entries"] = answer

    log.hooks["get-entries"] = answer
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert asked[:4] == [256, 512, 256, 128]
    assert asked[4:7] == [256, 512, 1024]
    assert sum(honest) == 3000


def test_stop_ends_between_two_batches(monitor, log, ca):
    der = ca.precertificate("stop.example.test")
    for _ in range(500):
        log.add_precertificate(der, ca)
    log.limit = 10
    stop = Event()
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now(stop=stop, progress=lambda line: stop.set() if "entries" in line else None)
    assert report.outcome is AuditOutcome.PENDING
    assert 0 < monitor.log("made").followed < 500
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT


class TestMalformed:
    """What cannot be read is kept as it came, counted, shown with its names, and the tree still matches."""

    def test_kept_counted_and_shown(self, monitor, log, ca):
        good = ca.precertificate("good.example.test")
        log.add_precertificate(good, ca)
        log.entries.append((b"no leaf at all", b"\x00\x01"))
        damaged = ca.precertificate("damaged.example.test")
        log.add_precertificate(damaged, ca)
        leaf, extra = log.entries[-1]
        log.entries[-1] = (leaf, extra.replace(b"\x30\x82", b"\x30\x83", 2))
        log.add_precertificate(ca.precertificate("after.example.test"), ca)
        monitor.watch_log(log.watched())
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT
        assert "entries-malformed" in {finding.code.value for finding in report.findings}
        state = monitor.log("made")
        assert (state.followed, state.malformed) == (4, 2)
        newest, oldest = monitor.malformed("made")
        assert (oldest.index, oldest.leaf_input) == (1, b"no leaf at all")
        assert newest.names == ("damaged.example.test",)
        assert newest.reason

    @pytest.mark.parametrize("known", [False, True])
    def test_a_precertificate_that_is_not_the_leafs(self, monitor, log, ca, known):
        """The TBS that the log signed and the precertificate beside it must agree, seen before or not."""
        shown, hidden = ca.precertificate("shown.example.test"), ca.precertificate("hidden.example.test")
        if known:
            log.add_precertificate(shown, ca)
        log.add_precertificate(hidden, ca)
        log.entries[-1] = (log.entries[-1][0], PrecertChainEntry(shown, (ca.der,)).encode())
        monitor.watch_log(log.watched())
        monitor.audit_now()
        (entry,) = monitor.malformed("made")
        assert "TBS differs" in entry.reason
        assert "hidden.example.test" in entry.names

    def test_any_bytes_at_all(self, monitor, log):
        generator = random.Random(6962)  # noqa: S311
        for length in range(120):
            log.entries.append((generator.randbytes(length), generator.randbytes(length * 2)))
        log.entries.append((merkle_tree_leaf(PrecertEntry(bytes(32), b"0"), 1, b""), b""))
        monitor.watch_log(log.watched())
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT
        assert monitor.log("made").malformed == 121


def test_the_same_certificate_in_two_logs_is_one(monitor, make_log, ca):
    first, second = make_log("first", KeyAlgorithm.SM2), make_log("second")
    der = ca.precertificate("twice.example.test")
    for log in (first, second):
        log.add_precertificate(der, ca)
        monitor.watch_log(log.watched())
    assert {report.outcome for report in monitor.audit_now()} == {AuditOutcome.CONSISTENT}
    (result,) = monitor.search(Query("twice.example.test", Match.EXACT), datetime.now(UTC)).results
    assert result.logs == ("first", "second")
    assert hash_leaf(first.entries[0][0]) != hash_leaf(second.entries[0][0])
