"""How long a channel rests after failures: it doubles, ends somewhere, and is never a failure itself."""

from datetime import timedelta

import pytest

from monitor.store.deliveries import retry_pause


@pytest.mark.parametrize(("failures", "seconds"), [(0, 2), (1, 2), (2, 4), (3, 8), (10, 60), (10**9, 60)])
def test_it_doubles_up_to_the_longest(failures, seconds):
    assert retry_pause(failures, timedelta(seconds=2), timedelta(seconds=60)) == timedelta(seconds=seconds)
