"""Timestamps only rise, and a clock that jumps is refused rather than believed."""

import time
from collections.abc import Iterator

import pytest

from tests.tlog.chains import Ca, OpenLogs
from tlog.clock import CONFIRMATION, MAX_STANDSTILL_MS, MAX_STEP_MS, Clock
from tlog.ct import CtLog, verify_log
from tlog.errors import ClockJumped, Unavailable
from tlog.pool import Limits

HOUR = 3_600_000
DAY = 24 * HOUR


class Hands:
    """A wall clock and a steady one, moved by the test."""

    def __init__(self, wall: int = 1_000_000) -> None:
        self.wall, self.steady = wall, 500

    def pass_time(self, milliseconds: int, *, step: int = 0) -> None:
        self.steady += milliseconds
        self.wall += milliseconds + step

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


def test_timestamps_rise_even_within_a_millisecond() -> None:
    clock = Hands().clock()
    first = clock.timestamp(0)
    assert first == 1_000_000
    assert clock.timestamp(first) == first + 1


def test_small_corrections_are_followed() -> None:
    hands = Hands()
    clock, last = hands.clock(), 0
    for _ in range(100):
        hands.pass_time(1000, step=-900)
        last = clock.timestamp(last)
    assert last == hands.wall


@pytest.mark.parametrize(("step", "direction"), [(3_600_000, "forwards"), (-3_600_000, "backwards")])
def test_a_jump_is_refused_until_the_clock_is_right_again(step, direction) -> None:
    hands = Hands()
    clock = hands.clock()
    last = clock.timestamp(0)
    hands.pass_time(100, step=step)
    for _ in range(2):
        with pytest.raises(ClockJumped, match=f"jumped {direction} by 3600 s"):
            clock.timestamp(last)
    hands.pass_time(100, step=-step)
    assert clock.timestamp(last) == hands.wall


def test_a_suspended_machine_has_not_jumped() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_time(8 * 3_600_000)
    assert clock.timestamp(1_000_000) == hands.wall


def test_a_start_with_a_clock_behind_the_tree_is_refused() -> None:
    hands = Hands()
    with pytest.raises(ClockJumped, match="60 s behind the newest tree head"):
        hands.clock().timestamp(hands.wall + 60_000)
    assert hands.clock().timestamp(hands.wall + MAX_STEP_MS - 1) == hands.wall + MAX_STEP_MS


def test_a_start_far_after_the_newest_head_must_be_confirmed(monkeypatch) -> None:
    hands = Hands(wall=10 * MAX_STANDSTILL_MS)
    head = hands.wall - MAX_STANDSTILL_MS
    assert hands.clock().timestamp(head) == hands.wall
    with pytest.raises(ClockJumped, match=f"the clock is 90 days after the newest .* with {CONFIRMATION}=1"):
        hands.clock().timestamp(head - 1)
    assert hands.clock().timestamp(0) == hands.wall, "a new log has no head yet"
    monkeypatch.setenv(CONFIRMATION, "1")
    assert hands.clock().timestamp(head - 1) == hands.wall


class Machine:
    """A certificate log on a machine whose clock the test sets; all its promises."""

    def __init__(self, logs: OpenLogs, ca: Ca) -> None:
        self.hands = Hands(wall=time.time_ns() // 1_000_000)
        self.logs, self.ca = logs, ca
        logs.create("p256", [ca.anchor]).close()
        self.timestamps: list[int] = []
        self.start()

    def start(self) -> None:
        key = self.logs.keys["p256"]
        limits = Limits(period=0.01, head_age=0.05, wait=10)
        self.log = CtLog.open(self.logs._directory / "p256", key, limits=limits, clock=self.hands.clock())

    def restart(self) -> None:
        self.log.close()
        self.start()

    def submit(self) -> None:
        self.hands.pass_time(10)
        name = f"{len(self.timestamps)}.example.test"
        self.timestamps.append(self.log.add_chain(self.ca.chain(name)).timestamp)

    def takes_nothing(self, why: str) -> None:
        deadline = time.monotonic() + 60
        while why not in (self.log.trouble or ""):  # its head is due every now and then
            assert time.monotonic() < deadline
            time.sleep(0.01)
        head = self.log.get_sth()
        with pytest.raises(Unavailable, match=why):
            self.submit()
        assert self.log.get_sth() == head
        assert self.log.get_entries(0, 0)

    def check(self) -> None:
        self.log.close()
        assert verify_log(self.log.directory).whole
        assert self.timestamps == sorted(set(self.timestamps))


@pytest.fixture
def machine(logs: OpenLogs, ca: Ca) -> Iterator[Machine]:
    running = Machine(logs, ca)
    running.submit()
    yield running
    running.log.close()


@pytest.mark.parametrize(
    ("step", "direction"), [(HOUR, "forwards"), (-HOUR, "backwards"), (400 * DAY, "forwards")]
)
def test_a_log_takes_nothing_while_its_clock_is_wrong(machine, step, direction) -> None:
    machine.hands.pass_time(0, step=step)
    for _ in range(2):
        machine.takes_nothing(f"the clock jumped {direction}")
    machine.hands.pass_time(0, step=-step)
    machine.submit()
    machine.check()


def test_small_steps_back_never_make_a_timestamp_go_back(machine) -> None:
    for _ in range(5):
        machine.hands.pass_time(0, step=-900)
        machine.submit()
    machine.check()


def test_a_log_restarted_with_a_clock_that_is_behind_takes_nothing(machine) -> None:
    machine.hands.pass_time(0, step=-HOUR)
    machine.restart()
    machine.takes_nothing("behind the newest tree head")
    machine.hands.pass_time(0, step=HOUR)
    machine.restart()
    machine.submit()
    machine.check()


def test_a_log_restarted_with_a_clock_an_hour_ahead_follows_it(machine) -> None:
    """Nothing tells it from an hour of standing still; going back then is what is refused."""
    machine.hands.pass_time(0, step=HOUR)
    machine.restart()
    machine.submit()
    machine.hands.pass_time(0, step=-HOUR)
    machine.takes_nothing("the clock jumped backwards")
    machine.restart()
    machine.takes_nothing("behind the newest tree head")
    machine.hands.pass_time(2 * HOUR)
    machine.submit()
    machine.check()


def test_a_log_restarted_in_a_far_future_waits_for_an_operator(machine, monkeypatch) -> None:
    machine.hands.pass_time(0, step=400 * DAY)
    machine.restart()
    machine.takes_nothing("the clock is 400 days after the newest tree head")
    monkeypatch.setenv(CONFIRMATION, "1")
    machine.restart()
    machine.submit()
    machine.check()
