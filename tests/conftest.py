"""What every room's tests share: property-test profiles, and outside programs that must be there."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): outside programs that this test talks to")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A missing outside program is listed as not run; under CI=true it is a failure."""
    for marker in item.iter_markers("needs"):
        missing = [program for program in marker.args if shutil.which(program) is None]
        if missing and os.environ.get("CI") == "true":
            pytest.fail(f"not installed: {', '.join(missing)}", pytrace=False)
        elif missing:
            pytest.skip(f"not run: {', '.join(missing)} not installed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: keys made anew in each process must not give the tests new names."""
    return argname if isinstance(val, bytes) else None
