"""The life of logs beside running services: made, opened, listed, followed, frozen; one that cannot start."""

import base64
import functools
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from monitor import Monitor
from tests.mingjing.conftest import free_ports, mingjing
from tests.tlog.chains import NOW, Ca, OpensslCa
from verifier.certificates import Certificate
from verifier.transparency.log_list import parse_log_list
from verifier.transparency.sct import parse_sct_list

pytestmark = pytest.mark.xdist_group("log life")

SERVER_AUTH = (x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")]), False)


def eventually[T](ask: Callable[[], T | None], seconds: float = 60) -> T:
    """Return what ``ask`` gives once it is something; OSErrors count as nothing yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := ask():
                return found
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"it did not come true within {seconds} s")


@dataclass
class Running:
    """A data directory whose logs service and scheduler run."""

    data: Path
    port: int
    process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mingjing", "run", "logs", "scheduler", "--data", str(self.data)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        eventually(lambda: self.get("healthz"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0

    def run(self, *arguments: str, code: int = 0) -> Any:
        done = mingjing(*arguments, "--json", "--data", str(self.data))
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=20) as answer:
            return answer.read()

    def size(self, log: str) -> int:
        return json.loads(self.get(f"log/{log}/ct/v1/get-sth"))["tree_size"]

    def submit(self, log: str, *chain: bytes) -> tuple[int, dict]:
        """Send a chain to add-chain; returns status and answer."""
        body = json.dumps({"chain": [base64.b64encode(der).decode() for der in chain]}).encode()
        url = f"http://127.0.0.1:{self.port}/log/{log}/ct/v1/add-chain"
        try:
            with urllib.request.urlopen(url, body, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def listed(self, log: str) -> dict | None:
        """What the published log list says of a log."""
        operators = json.loads((self.data / "log-list.json").read_bytes())["operators"]
        logs = [{**one, "operator": owner["name"]} for owner in operators for one in owner["tiled_logs"]]
        return next((one for one in logs if one["submission_url"].endswith(f"/{log}/")), None)

    def issue(self, name: str, tmp: Path) -> set[str]:
        """Issue a pair; returns the names of the logs that promised it."""
        done = mingjing("issue", f"{name}.corp.example", "--out", str(tmp / name), "--data", str(self.data))
        assert done.returncode == 0, done.stderr
        certificate = Certificate.from_pem((tmp / name / "sm2.crt").read_bytes())
        scts = parse_sct_list(certificate.sct_list)
        ids = {base64.b64decode(log["log_id"]): log["name"] for log in self.run("log", "list")}
        return {ids[sct.log_id] for sct in scts}


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("life") / "data"
    made = mingjing("init", "--data", str(data), "--org", "Example", "--domain", "corp.example")
    assert made.returncode == 0, made.stderr
    site, proxy, authority, gateway, port = free_ports(5)
    ports = {8440: site, 8441: proxy, 8442: authority, 8443: gateway, 8444: port}
    text = (data / "mingjing.toml").read_text()
    for old, new in ports.items():
        text = text.replace(f"= {old}", f"= {new}")
    (data / "mingjing.toml").write_text(text.replace("interval = 60 ", "interval = 2 "))
    service = Running(data, port)
    service.start()
    yield service
    service.stop()


@pytest.mark.needs("openssl")
def test_a_new_log_for_roots_of_other_software_is_opened_listed_and_audited(running, tmp_path):
    other = OpensslCa.make(tmp_path / "openssl", "prime256v1")
    (tmp_path / "root.pem").write_text(Certificate.parse(other.root).pem)
    wish = ["--algorithm", "p256", "--roots", str(tmp_path / "root.pem"), "--operator", "Second Bureau"]
    found = running.run("log", "create", "theirs", *wish)
    assert found["served"]
    leaf = other.issue("openssl.example.test")
    assert running.submit("theirs", leaf, other.root)[0] == 200
    status, answer = running.submit("p256", leaf, other.root)
    assert (status, "not a root that this log accepts" in answer["error_message"]) == (400, True)
    assert running.listed("theirs")["operator"] == "Second Bureau"
    assert running.listed("p256")["operator"] == "Example"
    audited = eventually(lambda: audit_of(running, "theirs", entries=1))
    assert (audited["audit"], audited["state"]) == ("consistent", "usable")


def audit_of(running: Running, name: str, entries: int) -> dict | None:
    done = mingjing("status", "--json", "--data", str(running.data))
    logs = json.loads(done.stdout)["logs"]
    return next((log for log in logs if log["name"] == name and log["tree_size"] == entries), None)


def test_a_usage_that_the_log_does_not_expect_is_refused_in_one_sentence(running, tmp_path):
    root = Ca.root("Mail Root")
    (tmp_path / "root.pem").write_text(Certificate.parse(root.der).pem)
    wish = ["--algorithm", "sm2", "--roots", str(tmp_path / "root.pem"), "--eku", "emailProtection"]
    running.run("log", "create", "mail", *wish)
    status, answer = running.submit("mail", root.issue(extra=[SERVER_AUTH]), root.der)
    assert (status, answer["error_message"]) == (
        400,
        "the certificate is for serverAuth; this log expects the extended key usage emailProtection",
    )
    assert running.size("mail") == 0
    assert running.submit("mail", root.issue(), root.der)[0] == 200


def test_issuing_goes_on_when_a_shard_takes_the_place_of_a_frozen_log(running, tmp_path):
    assert running.issue("before", tmp_path) == {"sm2", "p256"}
    soon = f"{NOW + timedelta(days=1):%Y-%m-%d}"
    running.run("log", "create", "p256-shard", "--algorithm", "p256", "--from", soon)
    assert running.issue("sharded", tmp_path) == {"sm2", "p256-shard"}
    size = running.size("p256")
    frozen = running.run("log", "freeze", "p256", "--yes")
    assert frozen["final_tree_head"]["tree_size"] == size
    root = Ca.root()
    status, answer = running.submit("p256", root.issue(), root.der)
    assert (status, answer["error_message"]) == (403, "the log is readonly: it takes no more submissions")
    head = json.loads(running.get("log/p256/ct/v1/get-sth"))
    assert (head["tree_size"], head["sha256_root_hash"]) == (size, frozen["final_tree_head"]["root_hash"])
    assert running.listed("p256")["state"]["readonly"]["final_tree_head"] == {
        "sha256_root_hash": head["sha256_root_hash"],
        "tree_size": size,
    }
    assert running.issue("after", tmp_path) == {"sm2", "p256-shard"}
    bundle = running.data / "trust-bundle.json"
    eventually(lambda: b"final_tree_head" in base64.b64decode(json.loads(bundle.read_bytes())["payload"]))
    assert eventually(lambda: audit_of(running, "p256", entries=size))["state"] == "readonly"


def test_a_state_changed_by_hand_is_followed_by_service_and_list(running):
    running.run("log", "create", "by-hand", "--algorithm", "sm2", "--state", "pending")
    path = running.data / "logs/by-hand/log.toml"
    assert "pending" in running.listed("by-hand")["state"]
    path.write_text(path.read_text().replace('state = "pending"', 'state = "readonly"'))
    root = Ca.root()
    eventually(lambda: running.submit("by-hand", root.issue(), root.der)[0] == 403, 3)
    eventually(lambda: "final_tree_head" in running.listed("by-hand")["state"].get("readonly", {}))


def test_one_log_that_cannot_start_stops_no_other_and_comes_back(running, tmp_path):
    size = running.size("sm2")
    roots = running.data / "logs/sm2/roots.pem"
    good = roots.read_bytes()
    running.stop()
    roots.write_bytes(b"garbage")
    (running.data / "logs/broken").mkdir()
    (running.data / "logs/broken/log.toml").write_text("torn")
    running.start()
    status, answer = running.submit("sm2", Ca.root().der)
    said = "logs/sm2/roots.pem: PEM: expected at least one certificate, found none"
    assert (status, answer["error_message"]) == (503, f"the log takes no submissions: {said}")
    assert running.size("sm2") == size, "it is read from its storage"
    assert running.size("p256-shard") > 0
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:
        running.get("log/broken/checkpoint")
    assert refused.value.headers["Retry-After"] == "60"
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:
        running.get("readyz")
    assert set(json.load(refused.value)["troubles"]) == {"sm2", "broken"}
    assert b'mingjing_log_admitting{log="sm2"} 0' in running.get("metrics")
    logs = {log["name"]: log for log in running.run("status", code=1)["logs"]}
    assert logs["sm2"]["trouble"] == said
    assert "not TOML" in logs["broken"]["trouble"]
    assert (
        "CRITICAL mingjing.log_keeper the log sm2 is not open" in (running.data / "log/logs.log").read_text()
    )
    roots.write_bytes(good)
    (running.data / "logs/broken/log.toml").unlink()
    eventually(lambda: running.get("readyz"), 30)
    assert running.submit("sm2", Ca.root().der)[0] == 400


def test_an_export_on_any_web_server_is_audited_without_us(running, tmp_path):
    copy = tmp_path / "www" / "sm2"
    with web_server(tmp_path / "www") as url:
        export = ["log", "export", "sm2", str(copy), "--compress", "--monitoring-url", f"{url}/sm2"]
        done = running.run(*export)
        audited(copy, tmp_path, done["tree_size"])
        running.issue("exported", tmp_path)
        again = running.run(*export)
        assert again["entries_before"] == done["tree_size"] < again["tree_size"] == running.size("sm2")
        audited(copy, tmp_path, again["tree_size"])
    assert running.run("log", "verify", "sm2", "--directory", str(copy))[0]["whole"]
    damaged = copy / "tile/data/000.p" / str(again["tree_size"])
    content = bytearray(damaged.read_bytes())
    content[7] ^= 1  # the timestamp of the first entry
    damaged.write_bytes(content)
    (report,) = running.run("log", "verify", "--directory", str(copy), code=1)
    assert report["damages"][0]["object"] == damaged.relative_to(copy).as_posix()


def audited(copy: Path, tmp: Path, size: int) -> None:
    """Follow and audit the copy as a stranger would who has nothing but its log.v3.json."""
    described = json.loads((copy / "log.v3.json").read_bytes())
    operators = [{"name": "Example", "logs": [], "tiled_logs": [described]}]
    monitor = Monitor.open(tmp / "monitor.db")
    try:
        monitor.watch(parse_log_list(json.dumps({"operators": operators}).encode(), "stranger"))
        (report,) = monitor.audit_now()
        assert (report.outcome.value, report.tree_size) == ("consistent", size), report
    finally:
        monitor.close()


class web_server:  # noqa: N801 - used as a function
    """A static web server that knows nothing of logs."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
        handler.func.log_message = lambda *_: None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_every_log_verifies_at_the_end(running):
    reports = running.run("log", "verify")
    assert {report["name"] for report in reports} >= {
        "sm2",
        "p256",
        "theirs",
        "mail",
        "p256-shard",
        "by-hand",
    }
    assert all(report["whole"] for report in reports)
