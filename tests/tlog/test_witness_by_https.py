"""Witnesses at https: whose certificates a log believes."""

from pathlib import Path

import pytest

from tests.tlog.made_witnesses import addresses, until
from tests.tlog.private_ca import PrivateCa
from tlog.ct import CtLog
from tlog.witnesses import Witnessing


@pytest.fixture
def private_ca(tmp_path: Path) -> PrivateCa:
    return PrivateCa(tmp_path, "private")


@pytest.fixture
def log(logs, ca) -> CtLog:
    return logs.create("p256", [ca.anchor])


def ask(log: CtLog, made, ca: Path | None) -> Witnessing:
    log._witnessing.close()
    log._witnessing = Witnessing(log._sequencer, addresses(made, ca=ca), pause=0.02, ask_first=0)
    return log._witnessing


def test_a_private_ca_that_is_named_is_believed(log, witness, private_ca):
    made = witness("w.example/1", private_ca.server("127.0.0.1"))
    asked = ask(log, made, private_ca.file)
    until(lambda: b"w.example/1" in log.checkpoint())
    assert asked.status()[0].error is None


def test_one_that_is_not_named_is_not(log, witness, private_ca, tmp_path):
    made = witness("w.example/1", private_ca.server("127.0.0.1"))
    for ca in (None, PrivateCa(tmp_path, "another").file):
        asked = ask(log, made, ca)
        until(lambda asked=asked: asked.status()[0].failures)
        assert str(asked.status()[0].error).startswith("its certificate is refused: ")
    assert not made.requests


def test_its_certificate_must_be_for_the_address(log, witness, private_ca):
    made = witness("w.example/1", private_ca.server("127.0.0.2"))
    asked = ask(log, made, private_ca.file)
    until(lambda: asked.status()[0].failures)
    assert "IP address mismatch" in str(asked.status()[0].error)
    assert not made.requests


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_ca_file_that_cannot_be_read_is_named(log, witness, private_ca, tmp_path, content):
    made = witness("w.example/1", private_ca.server("127.0.0.1"))
    file = tmp_path / "broken.pem"
    if content is not None:
        file.write_bytes(content)
    asked = ask(log, made, file)
    until(lambda: asked.status()[0].failures)
    assert str(asked.status()[0].error).startswith(f"could not read the certificates in {file}: ")
    file.write_bytes(private_ca.file.read_bytes())
    until(lambda: b"w.example/1" in log.checkpoint())
