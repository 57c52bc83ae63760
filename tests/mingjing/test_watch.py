"""``mingjing watch`` beside the running service: a rogue certificate raises the alarm, our own do not."""

import json
import time
from pathlib import Path

import pytest

from monitor import Monitor

pytestmark = pytest.mark.xdist_group("up")


def wait(get, seconds=120):
    deadline = time.monotonic() + seconds
    while not (value := get()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert value, "waited in vain"
    return value


def notices(service, *options):
    done = service.run("watch", "list", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names(found):
    return {name for notice in found for name in notice["matched"]}


@pytest.fixture(scope="module")
def alarmed(service):
    """The service with the rogue's certificates found, and a hook that is told."""
    wait(lambda: "rogue.mingjing.test" in names(notices(service, "--origin", "unknown")))
    hook = service.data / "watch-hook.sh"
    hook.write_text("#!/bin/sh\ncat >> watch-told; echo >> watch-told\n")
    hook.chmod(0o755)
    watchlist = service.data / "watchlist.toml"
    watchlist.write_text(watchlist.read_text() + f'\n[[hook]]\nname = "test"\nprogram = "{hook.name}"\n')
    wait(lambda: json.loads(service.run("watch", "show", "--json").stdout)["channels"])
    return service


def told(service):
    path = service.data / "watch-told"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_init_watches_the_organisations_domain(service):
    state = json.loads(service.run("watch", "show", "--json").stdout)
    assert [(watch["kind"], watch["value"]) for watch in state["watches"]] == [("subtree", ".mingjing.test")]
    assert not state["public"]
    assert (service.data / "watchlist.toml").stat().st_mode & 0o777 == 0o600


def test_certificates_that_our_own_issuer_made_raise_no_alert(alarmed):
    assert names(notices(alarmed, "--open")) == {"rogue.mingjing.test"}
    ours = names(notices(alarmed, "--origin", "ours"))
    assert {"good.mingjing.test", "revoked.mingjing.test", "forged-sct.mingjing.test"} <= ours


def test_the_rogue_is_told_with_what_somebody_needs(alarmed):
    (first, *_) = wait(lambda: told(alarmed))
    assert first["matched"] == ["rogue.mingjing.test"]
    assert "Rogue Trust Services" in first["certificate"]["issuer"]
    assert first["url"].endswith(f"/certificate/{first['certificate']['sha256']}")


def test_a_test_notice_goes_all_the_way(alarmed):
    done = alarmed.run("watch", "test", "--json")
    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)
    assert sent["deliveries"][0]["state"] == "delivered"
    assert sent["id"] in [notice["id"] for notice in told(alarmed)]


def test_the_public_keys_for_receivers(alarmed):
    ed25519, sm2 = json.loads(alarmed.run("watch", "key", "--json").stdout)
    assert (ed25519["version"], sm2["version"]) == ("v1a", "v1sm2")
    shown = alarmed.run("watch", "key").stdout
    assert ed25519["text"].startswith("whpk_")
    assert ed25519["text"] in shown
    assert shown.count("BEGIN PUBLIC KEY") == 2
    files = list((alarmed.data / "keys" / "watching").glob("*.key"))
    assert len(files) == 2
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert all(file.read_bytes().startswith(b"MJKEY") for file in files)


def test_show_for_people(alarmed):
    done = alarmed.run("watch", "show")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ".mingjing.test" in done.stdout
    assert "hook test" in done.stdout
    assert "without a gap since" in done.stdout


def test_acknowledge_and_authorise(alarmed):
    first, second = (notice["notice"] for notice in notices(alarmed, "--origin", "unknown")[:2])
    done = alarmed.run("watch", "acknowledge", str(first), "--note", "the demo's own rogue")
    assert done.returncode == 0, done.stderr
    shown = alarmed.run("watch", "show", str(first))
    assert "the demo's own rogue" in shown.stdout
    assert first not in [notice["notice"] for notice in notices(alarmed, "--open")]
    assert alarmed.run("watch", "authorise", str(second)).returncode == 0
    assert second in [notice["notice"] for notice in notices(alarmed, "--origin", "authorised")]


@pytest.mark.parametrize("arguments", [
    ["show", "99999"], ["acknowledge", "99999"], ["retry", "99999"], ["authorise", "99999"],
    ["authorise", "sha256:zz"], ["list", "--limit", "0"], [],
])  # fmt: skip
def test_a_wrong_call_says_so(service, arguments):
    done = service.run("watch", *arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_list_is_shown_and_the_old_one_stays(alarmed):
    watchlist = alarmed.data / "watchlist.toml"
    right = watchlist.read_text()
    watchlist.write_text("nonsense = 1\n" + right)
    try:
        state = wait(lambda: (s := json.loads(alarmed.run("watch", "show", "--json").stdout))["error"] and s)
        assert "line 1: nonsense: unknown" in state["error"]
        assert [watch["value"] for watch in state["watches"]] == [".mingjing.test"]
        assert alarmed.run("watch", "show").returncode == 1
    finally:
        watchlist.write_text(right)
    wait(lambda: not json.loads(alarmed.run("watch", "show", "--json").stdout)["error"])


def test_without_a_scheduler_a_test_cannot_go_out(service, tmp_path):
    data = tmp_path / "data"
    assert service.run("init", data=data).returncode == 0
    Monitor.open(Path(data) / "monitor.db").close()
    done = service.run("watch", "test", data=data)
    assert done.returncode == 2
    assert "no channel is configured" in done.stderr
    shown = service.run("watch", "show", data=data)
    assert shown.returncode == 1
    assert "has never looked" in shown.stdout
