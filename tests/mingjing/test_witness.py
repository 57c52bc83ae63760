"""Witnesses as processes: our logs, two witnesses with data directories of their own, the audit over all."""

import dataclasses
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from mingjing import config, data
from mingjing.config import Config, Listen
from tests.mingjing.conftest import free_ports, mingjing
from tests.monitor.witness.notes import verified_time

MERGE_DELAY = 1  # seconds; entries older than twice that must be cosigned


def until[T](happened: Callable[[], T], seconds: float = 90) -> T:
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def get(url: str) -> bytes:
    try:
        answer = urllib3.request("GET", url, timeout=10, retries=False)
    except urllib3.exceptions.HTTPError:
        return b""
    return answer.data if answer.status == 200 else b""


def directory(path: Path, **listen: int) -> Config:
    """A data directory with settings and nothing else."""
    settings = Config(
        org="Example",
        domain="corp.example",
        operator="Example",
        public_url=f"http://127.0.0.1:{listen.get('site', 80)}",
        listen=Listen(**listen),
        merge_delay=MERGE_DELAY,
        flush_interval=0.05,
        audit_interval=2,
    )
    path.mkdir()
    data.mark(path)
    config.write(path, settings)
    return settings


def add_to_settings(path: Path, text: str) -> None:
    file = path / config.FILE_NAME
    start, _, rest = file.read_text().partition("[hosts]")
    file.write_text(f"{start}{text}\n[hosts]{rest}")


@dataclasses.dataclass
class Running:
    """A service process, started again after ``stop`` or ``kill`` by ``start``."""

    service: str
    folder: Path
    process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mingjing", "run", self.service, "--data", str(self.folder)]
        with (self.folder.parent / f"{self.folder.name}.{self.service}.log").open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None


@dataclasses.dataclass
class Witness(Running):
    base: str = ""
    vkey: str = ""

    def told(self) -> dict:
        return json.loads(get(f"{self.base}/?output=json") or b"{}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("witnessed")


@pytest.fixture(scope="module")
def main(folder) -> Config:
    """Our service, its hierarchy and logs made, nothing running."""
    names = ("site", "proxy", "authority", "gateway", "logs")
    settings = directory(folder / "main", **dict(zip(names, free_ports(len(names)), strict=True)))
    done = mingjing("init", "--data", str(folder / "main"))
    assert done.returncode == 0, done.stderr
    return settings


@pytest.fixture(scope="module")
def witnesses(folder, main) -> Iterator[list[Witness]]:
    """Two witnesses that know our logs by our log list."""
    made = []
    for number, port in enumerate(free_ports(2)):
        path = folder / f"witness{number}"
        directory(path, witness=port)
        lists = json.dumps([str(folder / "main" / "log-list.json")])
        add_to_settings(path, f'[witness]\nname = "w{number}.example"\nlog_lists = {lists}')
        one = Witness("witness", path, base=f"http://127.0.0.1:{port}")
        one.start()
        one.vkey = until(one.told)["vkey"]
        made.append(one)
    yield made
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def logs(folder, main, witnesses) -> Iterator[Running]:
    tables = "".join(f'[[witnesses.witness]]\nurl = "{one.base}"\nkey = "{one.vkey}"\n' for one in witnesses)
    path = folder / "main" / config.FILE_NAME
    path.write_text(path.read_text().replace("required = 0 ", "required = 2 "))
    add_to_settings(folder / "main", tables)
    running = Running("logs", folder / "main")
    running.start()
    until(lambda: checkpoint(main))
    yield running
    running.stop()


def checkpoint(main: Config, log: str = "sm2") -> str:
    return get(f"http://127.0.0.1:{main.listen.logs}/log/{log}/checkpoint").decode()


def witnessed_by(note: str) -> list[str]:
    return re.findall(r"^\u2014 (w\d\.example) ", note, re.MULTILINE)


def issue(folder: Path, name: str) -> None:
    done = mingjing("issue", name, "--data", str(folder / "main"), "--out", str(folder / name))
    assert done.returncode == 0, done.stderr


def audit(folder: Path) -> tuple[int, dict[str, list[str]], str]:
    done = mingjing("audit", "--json", "--data", str(folder / "main"))
    reports = json.loads(done.stdout)
    assert isinstance(reports, list), done.stdout
    codes = {
        report["log"]: [found["code"] for found in report["findings"] if found["code"].startswith("witness")]
        for report in reports
    }
    return done.returncode, codes, done.stdout


def test_logs_witnesses_and_audit(folder, main, witnesses, logs):
    issue(folder, "a.corp.example")
    note = until(lambda: len(witnessed_by(found := checkpoint(main))) == 2 and found)
    body = note.split("\n\n", maxsplit=1)[0] + "\n"
    assert body.split("\n")[0] == "corp.example/log/sm2"
    for one in witnesses:
        (line,) = re.findall(rf"^\u2014 {one.told()['name']} .*\n", note, re.MULTILINE)
        assert abs(verified_time(line.encode(), one.vkey, body) - time.time()) < 60
    until(lambda: len(witnessed_by(checkpoint(main, "p256"))) == 2)
    time.sleep(2 * MERGE_DELAY)
    code, found, output = audit(folder)
    assert (code, found) == (0, {"sm2": ["witnessed"], "p256": ["witnessed"]}), output

    status = json.loads(mingjing("status", "--json", "--data", str(folder / "main")).stdout)
    told = {(one["log"], one["name"]): one for one in status["witnesses"]}
    size = int(body.split("\n")[1])
    assert told["sm2", "w0.example"]["size"] == size
    assert all(one["error"] is None for one in told.values())
    metrics = get(f"http://127.0.0.1:{main.listen.logs}/metrics").decode()
    assert f'mingjing_log_witness_entries{{log="sm2",witness="w1.example"}} {size}' in metrics

    witnesses[1].stop()
    issue(folder, "b.corp.example")
    until(lambda: all(witnessed_by(checkpoint(main, log)) == ["w0.example"] for log in ("sm2", "p256")))
    time.sleep(2 * MERGE_DELAY + 0.5)
    code, found, output = audit(folder)
    assert (code, found) == (1, {"sm2": ["witnesses-too-few"], "p256": ["witnesses-too-few"]}), output
    status = json.loads(mingjing("status", "--json", "--data", str(folder / "main")).stdout)
    assert any("could not be reached" in str(one["error"]) for one in status["witnesses"])

    witnesses[0].stop(signal.SIGKILL)
    for one in witnesses:
        one.start()
    until(lambda: all(len(witnessed_by(checkpoint(main, log))) == 2 for log in ("sm2", "p256")), 120)
    code, found, output = audit(folder)
    assert found == {"sm2": ["witnessed"], "p256": ["witnessed"]}, output
    assert [one.told()["vkey"] for one in witnesses] == [one.vkey for one in witnesses]


def test_a_restart_of_the_logs_keeps_their_cosignatures(main, logs):
    note = until(lambda: len(witnessed_by(found := checkpoint(main))) == 2 and found)
    logs.stop(signal.SIGKILL)
    stored = (logs.folder / "logs" / "sm2" / "checkpoint").read_text()
    assert stored.split("\n\n", maxsplit=1)[0] == note.split("\n\n", maxsplit=1)[0]
    logs.start()
    until(lambda: len(witnessed_by(checkpoint(main))) == 2)


def test_a_witness_that_lost_its_memory_refuses_to_start(folder, witnesses):
    lost = witnesses[1]
    lost.stop()
    kept = folder / "kept.db"
    (lost.folder / "witness.db").rename(kept)
    done = mingjing("run", "witness", "--data", str(lost.folder))
    assert done.returncode == 2
    assert "could cosign a forked log" in done.stderr
    kept.rename(lost.folder / "witness.db")
    lost.start()
    assert until(lost.told)["vkey"] == lost.vkey


def test_wrong_settings_are_named(tmp_path):
    path = tmp_path / "data"
    directory(path)
    assert "has no [witness] section" in mingjing("run", "witness", "--data", str(path)).stderr
    add_to_settings(path, '[witness]\nname = "w.example"\nlogs = ["a+b+c"]')
    done = mingjing("run", "witness", "--data", str(path))
    assert (done.returncode, "[witness] logs, number 1: verifier key" in done.stderr) == (2, True)
    wrong = '[[witnesses.witness]]\nurl = "http://127.0.0.1:9/"\nkey = "w.example+00000000+BA=="\n'
    add_to_settings(path, wrong)
    done = mingjing("run", "logs", "--data", str(path))
    assert (done.returncode, "[[witnesses.witness]] 1: key: " in done.stderr) == (2, True)


def test_the_key_is_sealed_like_the_others(witnesses):
    (key,) = (witnesses[0].folder / "keys" / "witness").glob("*.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes().startswith(b"MJKEY")


def test_up_runs_the_witness_of_the_settings(folder, main, logs):
    """The last of these tests: from here on everything of our service runs."""
    logs.stop()
    (port,) = free_ports(1)
    add_to_settings(folder / "main", '[witness]\nname = "own.example"')
    command = [sys.executable, "-m", "mingjing", "up", "--json", "--data", str(folder / "main")]
    command += ["--witness-port", str(port)]
    with (folder / "up.out").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until(lambda: '"witness"' in (folder / "up.out").read_text(), 240)
        told = until(lambda: json.loads(get(f"http://127.0.0.1:{port}/?output=json") or b"{}"))
        assert told["name"] == "own.example"
        ready = until(lambda: json.loads(get(f"http://127.0.0.1:{port}/readyz") or b"{}"))
        assert ready["logs"] == 2
        status = json.loads(mingjing("status", "--json", "--data", str(folder / "main")).stdout)
        (state,) = (one for one in status["services"] if one["name"] == "witness")
        assert state["running"]
    finally:
        process.terminate()
        process.wait(60)
