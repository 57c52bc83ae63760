"""At least once, in order, through restarts: what is queued leaves the queue only when it was delivered."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.watching import courier as courier_module
from monitor.watching import runner as runner_module
from monitor.watching.channel import NotDelivered
from monitor.watching.courier import PATIENCE, Courier, Desk
from monitor.watching.values import DeliveryState, Notice, Subject
from tests.monitor.watching.conftest import states

ROOT = Path(__file__).parents[3]


class Scripted:
    """A sender that fails as told."""

    def __init__(self, *, broken=(), away=False, retry_after=None):
        self.broken, self.away, self.retry_after = set(broken), away, retry_after
        self.sent, self.tried = [], []

    def send(self, notice):
        name = notice["matched"][0]
        self.tried.append(name)
        if self.away or name in self.broken:
            raise NotDelivered("no", self.retry_after)
        self.sent.append(name)

    def cancel(self):
        pass


def courier(watching, sender, days=7.0):
    desk = Desk(
        watching._deliveries,
        watching.notice,
        Notice.to_json,
        timedelta(days=days),
        lambda: None,
    )
    return Courier("hook", sender, desk)


def turn(made, watching, ahead=timedelta(0)):
    """Take turns until there is nothing to do right now."""
    while made.turn(datetime.now(UTC) + ahead):
        pass
    return watching.state().channels[0]


def test_in_order_and_recorded(queued):
    sender = Scripted()
    channel = turn(courier(queued, sender), queued)
    assert sender.sent == ["a.example.com", "b.example.com", "c.example.com"]
    assert states(queued) == ["delivered"] * 3
    assert (channel.pending, channel.dead, channel.last_error) == (0, 0, "")
    assert channel.last_success is not None


def test_a_receiver_that_is_away_is_left_alone_longer_and_longer_also_after_a_restart(queued):
    sender = Scripted(away=True)
    pauses = []
    for _ in range(7):
        channel = turn(courier(queued, sender), queued, timedelta(hours=1))
        pauses.append(channel.retry_at - channel.last_attempt)
    assert pauses[0] < timedelta(seconds=15)
    assert pauses[-1] > timedelta(seconds=60)
    tried = len(sender.tried)
    turn(courier(queued, sender), queued)
    assert len(sender.tried) == tried, "tried again before its time"
    assert states(queued) == ["pending"] * 3
    sender.away = False
    turn(courier(queued, sender), queued, timedelta(hours=1))
    assert sender.sent == ["a.example.com", "b.example.com", "c.example.com"]


def test_a_clock_that_was_wrong_holds_nothing_up(queued):
    """The failure was recorded by a clock two years ahead; then the clock was set right."""
    queued._deliveries.pause("hook", datetime.now(UTC) + timedelta(days=730))
    first = queued.notices()[-1].id
    queued._deliveries.set_aside("hook", first, datetime.now(UTC) + timedelta(days=730))
    sender = Scripted()
    turn(courier(queued, sender), queued)
    assert sender.sent == ["a.example.com", "b.example.com", "c.example.com"]


def test_retry_after_is_waited_for(queued):
    channel = turn(courier(queued, Scripted(away=True, retry_after=900)), queued)
    assert channel.retry_at - channel.last_attempt > timedelta(seconds=890)


def test_a_notice_that_fails_alone_does_not_hold_up_the_others(queued):
    sender = Scripted(broken={"a.example.com"})
    for _ in range(PATIENCE + 1):
        turn(courier(queued, sender), queued, timedelta(hours=1))
    assert sender.sent == ["b.example.com", "c.example.com"]
    assert states(queued) == ["pending", "delivered", "delivered"]
    sender.broken = set()
    turn(courier(queued, sender), queued, timedelta(days=1))
    assert states(queued) == ["delivered"] * 3


def test_given_up_visibly_and_retried_when_asked(queued, watchlist):
    sender = Scripted(away=True)
    for _ in range(3):
        turn(courier(queued, sender, days=0.0), queued, timedelta(hours=1))
    assert states(queued) == ["dead"] * 3
    channel = queued.state().channels[0]
    assert (channel.pending, channel.dead) == (0, 3)
    first = queued.notices()[-1]
    assert first.deliveries[0].error == "no"
    assert first.open
    again = queued.retry(first.id, datetime.now(UTC))
    assert again.deliveries[0].state is DeliveryState.PENDING
    sender.away = False
    turn(courier(queued, sender), queued)
    assert sender.sent == ["a.example.com"]


def test_what_is_authorised_meanwhile_is_not_delivered(queued):
    first = queued.notices()[-1]
    queued.authorise(first.certificate.tbs_hash, datetime.now(UTC))
    sender = Scripted()
    turn(courier(queued, sender), queued)
    assert sender.sent == ["b.example.com", "c.example.com"]
    assert states(queued) == ["not-needed", "delivered", "delivered"]


def test_a_new_channel_is_told_what_is_still_open(queued, watchlist, until):
    queued.acknowledge(queued.notices()[-1].id, "", datetime.now(UTC))
    watchlist.watch(".example.com", hook=False, more=watchlist.hook(name="second"))
    with watchlist.running():
        until(lambda: len(watchlist.received()) == 2)
    assert [notice["matched"][0] for notice in watchlist.received()] == ["b.example.com", "c.example.com"]


def test_an_error_of_this_program_does_not_end_the_thread(queued, watchlist, until, monkeypatch):
    sender = Scripted()
    made = courier(queued, sender)
    real, calls = made.turn, []

    def turn_(now):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a mistake")
        return real(now)

    monkeypatch.setattr(made, "turn", turn_)
    made.start()
    until(lambda: len(sender.sent) == 3)
    made.stop()


def test_what_is_cut_off_by_an_end_is_no_failure(queued, until):
    """A restart, or a new watchlist, must not make a channel look broken, nor have it left alone."""

    class Hanging(Scripted):
        def __init__(self):
            super().__init__()
            self.cut = threading.Event()

        def send(self, notice):
            self.tried.append(notice)
            self.cut.wait(200)
            raise NotDelivered("cut off")

        def cancel(self):
            self.cut.set()

    sender = Hanging()
    made = courier(queued, sender)
    made.start()
    until(lambda: sender.tried)
    made.stop()
    (channel,) = queued.state().channels
    assert (channel.last_error, channel.pending) == ("", 3)
    assert queued.notices()[-1].deliveries[0].attempts == 0


# the whole, in a process of its own


def test_from_the_index_to_the_hook_at_once(watchlist, ca, until, monkeypatch):
    """Nobody waits for a poll, which would come too late here."""
    for module in (runner_module, courier_module):
        monkeypatch.setattr(module, "POLL_SECONDS", 250)
    watchlist.watch(".example.com")
    with watchlist.running() as runner:
        until(lambda: watchlist.monitor.watching.state().checked_at)
        watchlist.monitor.add_certificate(ca.issue("www.example.com"))
        runner.wake()
        (told,) = until(watchlist.received)
    (notice,) = watchlist.monitor.watching.notices()
    page = f"https://site.example/certificate/{notice.certificate.sha256.hex()}"
    assert told == {**notice.to_json(), "url": page, "evidence": None}


def test_a_test_notice_goes_through_and_needs_nobody(watchlist, until):
    watchlist.watch(".example.com")
    with watchlist.running():
        until(lambda: watchlist.monitor.watching.state().channels)
        notice = watchlist.monitor.watching.test(datetime.now(UTC))
        (told,) = until(watchlist.received)
    assert told["id"] == notice.uid
    assert told["subject"] == Subject.TEST
    assert watchlist.monitor.watching.state().open == 0


class TestReload:
    def test_while_running(self, watchlist, ca, until):
        watchlist.watch(".example.com")
        with watchlist.running():
            until(lambda: watchlist.monitor.watching.state().watches)
            watchlist.watch(".example.com", ".example.org")
            until(lambda: len(watchlist.monitor.watching.state().watches) == 2)
            watchlist.monitor.add_certificate(ca.issue("www.example.org"))
            (told,) = until(watchlist.received)
        assert told["watch"]["value"] == ".example.org"

    def test_a_wrong_one_is_refused_said_and_told_while_the_old_stays(self, watchlist, ca, until):
        watchlist.watch(".example.com")
        with watchlist.running():
            until(lambda: watchlist.monitor.watching.state().watches)
            watchlist.write('names = [".example.com"]\n\nhooks = 1\n')
            state = until(lambda: (s := watchlist.monitor.watching.state()).error and s)
            assert "line 3: hooks: unknown" in state.error
            (told,) = until(watchlist.received)
            assert told["subject"] == Subject.SYSTEM
            assert "line 3" in told["summary"]
            watchlist.monitor.add_certificate(ca.issue("www.example.com"))
            until(lambda: len(watchlist.received()) == 2)
            watchlist.watch(".example.com", more="# right again")
            until(lambda: not watchlist.monitor.watching.state().error)

    def test_a_file_that_is_being_written_is_left_to_settle(self, watchlist):
        watchlist.watch(".example.com", hook=False)
        runner, watching = watchlist.runner(), watchlist.monitor.watching
        runner.look(datetime.now(UTC))
        for text in ("", "names = []"):
            watchlist.file.write_text(text)
            os.utime(watchlist.file)
            runner.look(datetime.fromtimestamp(watchlist.file.stat().st_mtime, UTC))
            assert len(watching.state().watches) == 1
        assert not watching.state().error
        runner.look(datetime.now(UTC) + timedelta(seconds=90))
        assert watching.state().watches == ()

    @pytest.mark.parametrize("text", ["", "\n \n"])
    def test_a_file_that_was_emptied_is_no_list_that_watches_nothing(self, watchlist, text):
        """A program that was stopped between making the file empty and writing it."""
        watchlist.watch(".example.com", hook=False)
        runner, watching = watchlist.runner(), watchlist.monitor.watching
        runner.look(datetime.now(UTC))
        watchlist.write(text)
        runner.look(datetime.now(UTC))
        assert [watch.value for watch in watching.state().watches] == [".example.com"]
        assert "line 1: the file is empty" in watching.state().error
        watchlist.write("names = []")
        runner.look(datetime.now(UTC))
        assert (watching.state().watches, watching.state().error) == ((), "")

    def test_a_file_that_changes_while_it_is_read_is_read_again(self, watchlist, monkeypatch):
        """Between the look at its time and the reading, a program makes it empty, or half of it."""
        watchlist.watch(".example.com", ".example.org", hook=False)
        runner, watching = watchlist.runner(), watchlist.monitor.watching
        runner.look(datetime.now(UTC))
        watchlist.watch(".example.com", ".example.org", ".example.net", hook=False)
        whole, read = watchlist.file.read_text(), Path.read_text

        def halved(file, *arguments, **named):
            file.write_text("names = []")
            return read(file, *arguments, **named)

        monkeypatch.setattr(Path, "read_text", halved)
        runner.look(datetime.now(UTC))
        assert len(watching.state().watches) == 2
        monkeypatch.undo()
        watchlist.write(whole)
        runner.look(datetime.now(UTC))
        assert len(watching.state().watches) == 3

    @pytest.mark.parametrize("damage", ["wrong", "missing", "binary"])
    def test_the_old_one_stays_in_force_through_a_restart(self, watchlist, ca, until, damage):
        watchlist.watch(".example.com")
        with watchlist.running():
            until(lambda: watchlist.monitor.watching.state().watches)
        if damage == "missing":
            watchlist.file.unlink()
        else:
            watchlist.file.write_bytes(b"names = [" if damage == "wrong" else b"\xff\xfe")
        watchlist.monitor.add_certificate(ca.issue("www.example.com"))
        with watchlist.running():
            until(lambda: len(watchlist.received()) == 2)
        state = watchlist.monitor.watching.state()
        assert "watchlist.toml" in state.error
        assert [watch.value for watch in state.watches] == [".example.com"]


_PROCESS = """
import sys, time
from pathlib import Path
from monitor import Monitor
monitor = Monitor.open(Path(sys.argv[1]) / "monitor.db")
monitor.watching.runner(Path(sys.argv[1]) / "watchlist.toml", is_ours=lambda serial, tbs: False).start()
print("ready", flush=True)
time.sleep(600)
"""


def spawn(directory):
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS, str(directory)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    """Kill -9 the process; programs that it runs go on, as they would."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.deep)])
def test_nothing_is_lost_by_kill_9(watchlist, ca, until, rounds):
    """Killed while it compares, between the notice and its delivery, and while the hook runs."""
    watchlist.watch(".example.com", hook=False, more=watchlist.hook("sleep 0.1"))
    expected = set()
    for round_ in range(rounds):
        process = spawn(watchlist.directory)
        for number in range(3):
            name = f"{number}.r{round_}.example.com"
            watchlist.monitor.add_certificate(ca.issue(name))
            expected.add(name)
        time.sleep(0.25 * (round_ % 5))
        kill(process)
    process = spawn(watchlist.directory)
    done = lambda: {n["matched"][0] for n in watchlist.received()} == expected  # noqa: E731
    until(done, 200)
    until(lambda: watchlist.monitor.watching.state().channels[0].pending == 0)
    kill(process)
    assert [n.matched[0] for n in reversed(watchlist.monitor.watching.notices(limit=1000))] == sorted(
        expected, key=lambda name: (int(name.split(".")[1][1:]), name)
    )
    twice = [uid for uid, count in Counter(n["id"] for n in watchlist.received()).items() if count > 1]
    assert len(twice) <= rounds, "more than what was under way was delivered again"
