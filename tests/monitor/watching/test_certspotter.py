"""certspotter and we look at the same log with the same watchlist: what it finds, we find too."""

import json
import os
import subprocess
import time
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from monitor.watching.values import Subject

WATCHED = (".watched.example", "exact.example")
CONCERNED = (  # none with a NUL: certspotter's own hook cannot be run for it, and it stops there
    "watched.example", "www.watched.example", "*.watched.example", "a.b.watched.example",
    "WWW.Watched.EXAMPLE", "*.example", "exact.example", "watched.example.", "x.*.watched.example",
)  # fmt: skip
OTHERS = (
    "www.exact.example", "unwatched.example", "watched.example.org", "watched.examples", "example", "*.org",
    "a.evil.org", "xn--fsqu00a.example",
)  # fmt: skip


def only_a_common_name(ca, name):
    """A certificate without subjectAltName, as old clients read it."""
    builder = ca._builder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
        ca._leaf_key.public_key(),
        datetime(2030, 1, 1, tzinfo=UTC),
    )
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)


def run_certspotter(directory, log, size):
    """Let it follow the log until it has verified so many entries; return its events."""
    public, since = log.key.public_key, "2026-01-01T00:00:00Z"
    listed = {
        "version": "1.0", "log_list_timestamp": since,
        "operators": [{
            "name": "Example", "email": ["ct@example.test"],
            "logs": [{
                "description": "Made", "log_id": b64encode(public.key_id).decode(), "url": log.base,
                "mmd": 60, "key": b64encode(public.spki).decode(), "state": {"usable": {"timestamp": since}},
            }],
        }],
    }  # fmt: skip
    (directory / "logs.json").write_text(json.dumps(listed))
    (directory / "watchlist").write_text("".join(f"{name}\n" for name in WATCHED))
    hook = directory / "spotted"
    hook.write_text(f'#!/bin/sh\necho "$EVENT $CERT_SHA256" >> {directory}/events\n')
    hook.chmod(0o755)
    command = [
        "certspotter", "-logs", directory / "logs.json", "-watchlist", directory / "watchlist",
        "-script", hook, "-state_dir", directory / "state", "-verbose",
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    deadline = time.monotonic() + 200
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while _verified(directory) < size and time.monotonic() < deadline:
            time.sleep(0.1)
        process.terminate()
        messages = process.communicate()[1]
    assert _verified(directory) == size, messages
    return [line.split() for line in (directory / "events").read_text().splitlines()]


def _verified(directory):
    for state in (directory / "state" / "logs").glob("*/state.json"):
        return json.loads(state.read_text())["verified_position"]["size"]
    return 0


@pytest.mark.needs("certspotter")
def test_we_find_whatever_certspotter_finds(watchlist, ca, log, tmp_path):
    made = {}
    for name in (*CONCERNED, *OTHERS):
        for der in (ca.issue(name), only_a_common_name(ca, name)):
            made[log.add_certificate(der, ca)] = name
    watchlist.watch(*WATCHED, hook=False)
    watchlist.monitor.watch_log(log.watched())
    watchlist.monitor.audit_now()
    runner = watchlist.runner()
    while runner.look(datetime.now(UTC)):
        pass
    notices = watchlist.monitor.watching.notices(limit=1000)
    ours = {notice.certificate.sha256.hex() for notice in notices if notice.subject is Subject.CERTIFICATE}
    spotter = tmp_path / "spotter"
    spotter.mkdir()
    events = run_certspotter(spotter, log, len(made))
    theirs = {event[1] for event in events if event[0] == "discovered_cert"}
    assert theirs, events
    assert theirs - ours == set()
    assert len(ours) == 2 * len(CONCERNED), sorted(notice.matched for notice in notices)
