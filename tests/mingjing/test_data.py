"""The data directory refuses what would be unsafe, in one sentence each."""

import os
from argparse import Namespace
from datetime import UTC, datetime, timedelta

import pytest

from mingjing import config, data
from mingjing.config import Config
from mingjing.errors import DataError

SAMPLE = Config(org="Example", domain="corp.example", operator="Example", public_url="http://127.0.0.1:8440")


@pytest.fixture
def made(tmp_path):
    config.write(tmp_path, SAMPLE)
    data.mark(tmp_path)
    return tmp_path


def test_the_directory_is_the_option_then_the_environment_then_data(monkeypatch):
    monkeypatch.setenv("MINGJING_DATA", "/from/env")
    assert str(data.directory(Namespace(data="/x"))) == "/x"
    assert str(data.directory(Namespace(data=None))) == "/from/env"
    monkeypatch.delenv("MINGJING_DATA")
    assert str(data.directory(Namespace(data=None))) == "data"


def test_a_newer_directory_is_refused(made):
    (made / "version").write_text("2\n")
    with pytest.raises(DataError, match="version 2; this program knows 1"):
        data.load(made)


def test_a_directory_without_a_version_is_refused(made):
    (made / "version").unlink()
    with pytest.raises(DataError, match="version is missing"):
        data.load(made)


def test_a_clock_before_the_directory_was_made_is_refused(made):
    with pytest.raises(DataError, match="Set the clock right"):
        data.load(made, datetime.now(UTC) - timedelta(days=400))
    assert data.load(made, datetime.now(UTC) - timedelta(minutes=1)) == SAMPLE


def test_two_of_a_kind_never_share_a_directory(made):
    second = data.only_one(made, "up")
    with data.only_one(made, "up"), pytest.raises(DataError, match=f"already runs.*process {os.getpid()}"):
        second.__enter__()
    with data.only_one(made, "up"):
        pass


def test_an_unwritable_place_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="could not write to the data directory"):
        data.prepare(tmp_path / "file" / "data")
