"""A site in trouble: a log caught lying, certificates that nobody ordered, a receiver that cannot be told."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from mingjing.services.site import demo_sites
from monitor import Monitor
from web.public import create_app
from web.public import demo as demo_page

from .conftest import DOMAIN, World
from .cosigned import keep_witnesses, show_heads
from .test_demo import EXPECTED, result

WATCHLIST = f"""\
names = [".{DOMAIN}", "plain.hostile.test"]
addresses = ["192.0.2.7"]
organisations = ["Ming Test"]

[[hook]]
name = "mail"
program = "mail.sh"

[[hook]]
name = "pager"
program = "pager.sh"
"""


def make_troubled(world: World, folder: Path) -> Flask:
    """Make a site over a monitor that has met everything that a page may have to tell."""
    for name in ("ca", "crl"):
        shutil.copytree(world.data / name, folder / name)
    with world.copied(folder) as monitor:
        show_heads(world, monitor)
        keep_witnesses(world, monitor)
        with world.logs.logs["sm2"].lying():
            monitor.audit_now(["sm2"])
        _watched(world, folder, monitor)
    app = create_app(world.settings(data=folder, demo_sites=demo_sites()))
    demo_page.register(app, demo_sites(), _as_expected_but_one)
    return app


def _watched(world: World, folder: Path, monitor: Monitor) -> None:
    """Watch, let one receiver take its notices and the other none, and look at the newest notice."""
    _hook(folder / "mail.sh", "exit 0")
    _hook(folder / "pager.sh", "echo nobody is there >&2; exit 3")
    (folder / "watchlist.toml").write_text(WATCHLIST)
    ours = world.pair.sm2.certificate.serial
    runner = monitor.watching.runner(folder / "watchlist.toml", is_ours=lambda serial, _tbs: serial == ours)
    try:
        while runner.look(datetime.now(UTC)):
            pass
        newest = monitor.watching.notices(open_only=True, limit=1)[0]
        monitor.watching.acknowledge(newest.id, "ordered by the shop, ticket 4711", datetime.now(UTC))
        monitor.watching.test(datetime.now(UTC))
        runner.look(datetime.now(UTC))
        _until_both_were_tried(monitor)
    finally:
        runner.stop_couriers()


def _until_both_were_tried(monitor: Monitor) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        mail, pager = sorted(monitor.watching.state().channels, key=lambda channel: channel.name)
        if mail.last_success and pager.last_error:
            return
        time.sleep(0.05)
    raise AssertionError("the two programs were not run")


def _hook(path: Path, does: str) -> None:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o700)


def _as_expected_but_one(target: str, _data: Path):
    host = target.removeprefix("https://").removeprefix("http://").strip("/")
    return result(target, "trusted; sm2" if host.startswith("rogue.") else EXPECTED[host])
