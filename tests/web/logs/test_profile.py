"""The benchmark's profile names functions of the log; one that is renamed must not break it unseen."""

import subprocess
import sys


def test_every_function_that_the_profile_names_is_there() -> None:
    # in a process of its own: the wrapping stays
    wrap = "from benchmarks.submissions.parts import watch_log; watch_log()"
    done = subprocess.run(
        [sys.executable, "-c", wrap], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
