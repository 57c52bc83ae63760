"""Which logs a witness knows: keys that are named, and log lists in files and at addresses."""

import json
from datetime import UTC, datetime

import pytest

from monitor.witness import KnownLogs
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.log_key import LogKey
from verifier.transparency.log_list import Log, encode_log_list


@pytest.fixture
def key():
    return PrivateKey.generate(KeyAlgorithm.ECDSA).public_key


def listed(*logs: Log) -> str:
    return json.dumps(encode_log_list(logs, {"X": ()}, timestamp=datetime.now(UTC)))


def log(key, address: str, **fields) -> Log:
    return Log(
        log_id=key.key_id,
        key=key,
        description="",
        operator="X",
        submission_url=address,
        monitoring_url=address,
        **fields,
    )


def test_the_origin_is_the_address_unless_the_list_says_another(tmp_path, key):
    other = PrivateKey.generate(KeyAlgorithm.SM2).public_key
    path = tmp_path / "list.json"
    path.write_text(
        listed(
            log(key, "https://rome.ct.example/2024h1/"), log(other, "http://127.0.0.1:1/", origin="corp/sm2")
        )
    )
    logs = KnownLogs(places=[str(path)])
    assert logs.origins() == ()
    assert logs.refresh() == ()
    assert logs.keys("rome.ct.example/2024h1") == (LogKey("rome.ct.example/2024h1", key),)
    assert logs.keys("corp/sm2") == (LogKey("corp/sm2", other),)
    assert logs.keys("127.0.0.1:1") == ()


def test_a_list_that_turns_bad_stays_as_it_was(tmp_path, key):
    path = tmp_path / "list.json"
    path.write_text(listed(log(key, "https://a.example/")))
    logs = KnownLogs(places=[str(path), str(tmp_path / "missing.json"), "http://127.0.0.1:9/list.json"])
    assert [trouble.split(":")[0] for trouble in logs.refresh()] == [
        f"could not read the log list {tmp_path / 'missing.json'}",
        "could not read the log list http",
    ]
    path.write_text("{")
    assert len(logs.refresh()) == 3
    assert logs.origins() == ("a.example",)


def test_a_list_adds_no_key_to_a_log_that_is_known(tmp_path, key):
    other = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    paths = [tmp_path / "first.json", tmp_path / "second.json"]
    paths[0].write_text(listed(log(key, "https://a.example/")))
    paths[1].write_text(listed(log(other, "https://a.example/")))
    logs = KnownLogs(places=[str(path) for path in paths])
    logs.refresh()
    assert logs.keys("a.example") == (LogKey("a.example", key),)
    named = KnownLogs([LogKey("a.example", other)], [str(paths[0])])
    named.refresh()
    assert named.keys("a.example") == (LogKey("a.example", other),)
