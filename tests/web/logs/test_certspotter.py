"""certspotter, a monitor that knows nothing of us, follows our P-256 log and finds a watched certificate."""

import json
import os
import subprocess
import time
from base64 import b64encode
from pathlib import Path

import pytest

from tests.web.logs.conftest import served


@pytest.fixture
def watch(logs, ca, tmp_path):
    """The log served, and a function that lets certspotter look at it once."""
    log = logs.create("p256", [ca.anchor])
    with served({"p256": log}) as service:
        listed = {
            "version": "1.0", "log_list_timestamp": "2026-01-01T00:00:00Z",
            "operators": [{
                "name": "Example", "email": ["ct@example.test"],
                "logs": [{
                    "description": "Example P-256 log", "log_id": b64encode(log.log_id).decode(),
                    "key": b64encode(log.key.spki).decode(), "url": f"{service.url}/log/p256/", "mmd": 60,
                    "state": {"usable": {"timestamp": "2026-01-01T00:00:00Z"}},
                }],
            }],
        }  # fmt: skip
        (tmp_path / "logs.json").write_text(json.dumps(listed))
        (tmp_path / "watchlist").write_text(".watched.example\n")
        hook = tmp_path / "hook"
        hook.write_text(f'#!/bin/sh\necho "$EVENT $WATCH_ITEM $(cat $JSON_FILENAME)" >> {tmp_path}/events\n')
        hook.chmod(0o755)
        yield log, lambda size: look(tmp_path, size)


def look(directory: Path, size: int) -> tuple[str, str]:
    """Run certspotter until it has verified so many entries; returns its messages and its events."""
    command = [
        "certspotter", "-logs", directory / "logs.json", "-watchlist", directory / "watchlist",
        "-script", directory / "hook", "-state_dir", directory / "state", "-verbose",
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    deadline = time.monotonic() + 120
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while verified(directory) < size and time.monotonic() < deadline:
            time.sleep(0.1)
        process.terminate()
        messages = process.communicate()[1]
    events = directory / "events"
    return messages, events.read_text() if events.exists() else ""


def verified(directory: Path) -> int:
    """How many entries its tree has, whose root it found in our tree head."""
    for state in (directory / "state" / "logs").glob("*/state.json"):
        return json.loads(state.read_text())["verified_position"]["size"]
    return 0


@pytest.mark.needs("certspotter")
def test_certspotter_follows_the_log_and_finds_a_watched_certificate(watch, ca, tmp_path) -> None:
    log, run = watch
    for number in range(5):
        log.add_chain(ca.chain(f"other{number}.example.test"))
    log.add_pre_chain(ca.chain("www.watched.example", precertificate=True))
    messages, events = run(6)
    assert events.startswith("discovered_cert .watched.example"), messages
    assert "www.watched.example" in events
    assert events.count("\n") == 1, "nothing but the one discovery: no error, no other certificate"
    assert verified(tmp_path) == 6, "it has rebuilt the tree and found our root"
