"""Errors of the rooms below become a sentence and the exit code that fits; one scheduler a directory."""

import importlib
import shutil

import pytest

from mingjing.__main__ import main
from mingjing.data import only_one
from mingjing.errors import ConfigError, DataError, MingjingError, Unreachable
from mingjing.rooms import UNREACHABLE, WRONG_CALL, own_log_list, room_errors
from tests.mingjing.conftest import free_ports, mingjing


def error_class(name: str) -> type[Exception]:
    module, _, kind = name.rpartition(".")
    return getattr(importlib.import_module(module), kind)


@pytest.mark.parametrize("name", sorted(UNREACHABLE | WRONG_CALL))
def test_each_name_is_an_error_and_gets_its_exit_code(name) -> None:
    error = error_class(name)
    assert issubclass(error, Exception)
    expected = Unreachable if name in UNREACHABLE else ConfigError
    with pytest.raises(expected, match="why it failed"), room_errors():
        raise error.__new__(error, "why it failed")


def test_other_errors_of_a_room_are_refusals_and_those_of_nobody_pass() -> None:
    from monitor.errors import MonitorError

    with pytest.raises(MingjingError) as told, room_errors():
        raise MonitorError("inconsistent")
    assert type(told.value) is MingjingError
    with pytest.raises(ZeroDivisionError), room_errors():
        raise ZeroDivisionError


def test_a_damaged_list_of_our_logs_is_named(tmp_path) -> None:
    (tmp_path / "log-list.json").write_text("{")
    with pytest.raises(DataError, match=rf"{tmp_path}/log-list\.json cannot be read"):
        own_log_list(tmp_path)


def test_a_second_scheduler_stops_at_once(initialised, capsys) -> None:
    with only_one(initialised, "run scheduler"):
        assert main(["run", "scheduler", "--data", str(initialised)]) == 2
    assert f"`mingjing run scheduler` already runs on {initialised}" in capsys.readouterr().err


def test_a_wrong_policy_stops_the_proxy_with_exit_code_2(initialised, tmp_path) -> None:
    data = tmp_path / "data"
    shutil.copytree(initialised, data)
    policy = data / "policy.toml"
    policy.write_text(policy.read_text().replace('trust = "pinned"', 'trust = "pined"'))
    (port,) = free_ports(1)
    settings = data / "mingjing.toml"
    settings.write_text(settings.read_text().replace("proxy = 8441", f"proxy = {port}"))
    done = mingjing("run", "proxy", "--data", str(data))
    assert (done.returncode, "site.trust: expected" in done.stderr) == (2, True), done.stderr
