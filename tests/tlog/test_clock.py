"""Timestamps only rise, and a clock that jumps is refused rather than believed."""

import pytest

from tlog.clock import MAX_STEP_MS, Clock
from tlog.errors import ClockJumped


class Hands:
    """A wall clock and a steady one, moved by the test."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000, 500

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
