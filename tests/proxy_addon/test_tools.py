"""The same addon in stock mitmproxy: mitmdump, mitmweb and the console; and what stops a start."""

import base64
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

pytestmark = pytest.mark.needs("curl")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def good(data: Any, dual: Any, site: Callable[..., Any]) -> Any:
    one = site(*dual)
    data.hosts(good=one.address)
    return one


def test_mitmdump(good: Any, start_proxy: Callable[..., Any]) -> None:
    proxy = start_proxy("mitmdump")
    assert proxy.curl("https://good.mingjing.test/").verdicts == ["trusted; sm2 pq"], proxy.log
    assert proxy.stop() == 0


def test_mitmweb_lists_the_flow_of_an_sm2_site(
    good: Any, start_proxy: Callable[..., Any], free_port: Callable[[], int]
) -> None:
    port = free_port()
    options = ("--no-web-open-browser", "--web-port", str(port), "--set", "web_password=test")
    proxy = start_proxy("mitmweb", *options)
    assert proxy.curl("https://good.mingjing.test/").verdicts == ["trusted; sm2 pq"], proxy.log
    listed = subprocess.run(
        ["curl", "-s", f"http://127.0.0.1:{port}/flows?token=test"], capture_output=True, check=True
    )
    flows = json.loads(listed.stdout)
    keys = [flow["server_conn"]["cert"]["keyinfo"] for flow in flows if flow["server_conn"].get("cert")]
    assert ["SM2", 256] in keys, flows
    assert "Traceback" not in proxy.log, proxy.log


def test_console_shows_the_details_of_an_sm2_flow(
    good: Any, data: Any, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    program = shutil.which("mitmproxy", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [
        program, "--listen-host", "127.0.0.1", "--listen-port", str(port),
        "--set", f"confdir={tmp_path}/conf",
        "-s", str(ROOT / "proxy_addon" / "addon.py"),
    ]  # fmt: skip
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "MINGJING_DATA": str(data.path)}
    with Terminal(command, environment) as terminal:
        terminal.wait_for(rf"127\.0\.0\.1:{port}")
        ca = data.path / "proxy" / "ca.pem"
        curl = ["curl", "-s", "-i", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "-x"]
        found = subprocess.run(
            [*curl, f"http://127.0.0.1:{port}", "--cacert", str(ca), "https://good.mingjing.test/"],
            capture_output=True,
            check=False,
        )
        assert b"Mingjing-Verdict: trusted; sm2 pq" in found.stdout, terminal.text
        terminal.wait_for(r"d\.mingjing\.test")
        terminal.press("\r")
        terminal.wait_for(r"Hello from|Response")
        for _ in range(2):
            terminal.press("\t")
            time.sleep(0.3)
        terminal.wait_for(r"SM2, 256 bits")


class Terminal:
    """A program in a pseudo-terminal of its own; what it has printed is ``text``."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 140, 0, 0))
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(slave)
        self._output = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        os.close(self._master)

    def _read(self) -> None:
        with suppress(OSError):
            while self._process.poll() is None:
                if select.select([self._master], [], [], 0.2)[0]:
                    self._output += os.read(self._master, 65536)

    @property
    def text(self) -> str:
        plain = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x0e\x0f]", b"", bytes(self._output))
        return plain.decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if re.search(pattern, self.text):
                return
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} did not appear in:\n{self.text[-4000:]}")


# -- starting ---------------------------------------------------------------------------------------


def start(data: Path, tool: str, tmp_path: Path, port: int) -> subprocess.CompletedProcess[str]:
    if tool == "runner":
        code = (
            "import sys; from pathlib import Path; from proxy_addon.client.runner import run_proxy; "
            "run_proxy(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]))"
        )
        command = [sys.executable, "-c", code, str(data), str(port)]
    else:
        program = str(Path(sys.executable).parent / tool)
        command = [
            program, "--set", f"confdir={tmp_path}/conf", "--listen-port", str(port),
            "-s", str(ROOT / "proxy_addon" / "addon.py"), "--set", f"mingjing_data={data}",
        ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("tool", ["runner", "mitmdump"])
def test_a_wrong_policy_stops_the_start(
    data: Any, tool: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    data.policy = data.policy.replace("scts = 2", 'scts = "many"')
    found = start(data.path, tool, tmp_path, free_port())
    assert found.returncode != 0
    assert re.search(r"policy\.toml, line 15: site\.scts", found.stderr + found.stdout), found


def test_a_taken_port_is_said_in_a_sentence(data: Any, tmp_path: Path, good: Any) -> None:
    found = start(data.path, "runner", tmp_path, good.port)
    assert found.returncode != 0
    assert f"could not listen on 127.0.0.1:{good.port}" in found.stderr


def test_no_private_key_in_a_plain_file(good: Any, data: Any, start_proxy: Callable[..., Any]) -> None:
    """The local CA's key is sealed, and mitmproxy's own store is not made."""
    proxy = start_proxy("runner")
    assert proxy.curl("https://good.mingjing.test/").status == 200
    home = data.path.parent
    for path in home.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes(), path
    assert not (home / ".mitmproxy").exists()
    assert proxy.stop() == 0
    assert "Traceback" not in proxy.log


def test_status_page_json_and_ca(good: Any, data: Any, start_proxy: Callable[..., Any]) -> None:
    proxy = start_proxy()
    proxy.curl("https://good.mingjing.test/")
    answer = proxy.curl("http://verifier.mingjing/status.json")
    status = json.loads(answer.body)
    assert answer.verdicts == ["trusted;"]
    assert status["verdicts"][0]["host"] == "good.mingjing.test"
    assert status["verdicts"][0]["algorithms"] == ["sm2", "pq"]
    assert status["state"]["engine"]
    assert proxy.curl("http://verifier.mingjing/ca.pem").body == (data.path / "proxy" / "ca.pem").read_text()
    number = status["verdicts"][0]["number"]
    page = proxy.curl(f"http://verifier.mingjing/verdict/{number}")
    assert "good.mingjing.test is who it says it is." in page.body
    evidence = json.loads(proxy.curl(f"http://verifier.mingjing/verdict/{number}/evidence.json").body)
    assert base64.b64decode(evidence["chain"][0])
    assert proxy.curl("https://verifier.mingjing/").status == 200
    assert proxy.curl("http://verifier.mingjing/nothing").status == 404
    assert proxy.curl("http://verifier.mingjing/", "-X", "POST").status == 405


@pytest.mark.parametrize("rule", ["refuse", "upgrade", "allow"])
def test_cleartext_as_the_policy_says(
    data: Any, site: Callable[..., Any], start_proxy: Callable[..., Any], rule: str
) -> None:
    plain = site()
    data.configuration(f'"plain.example.test" = "{plain.address}"\n')
    data.policy = data.policy.replace('cleartext = "refuse"', f'cleartext = "{rule}"')
    proxy = start_proxy("thread", "stream_large_bodies=1k")
    answer = proxy.curl("http://plain.example.test/path?q=1")
    if rule == "upgrade":
        assert (answer.status, dict(answer.fields)["location"]) == (
            307,
            "https://plain.example.test/path?q=1",
        )
        assert answer.verdicts == ["refused; cleartext"]
        assert not plain.received
    elif rule == "refuse":
        answer = proxy.curl("http://plain.example.test/", "--data-binary", "b" * 100_000)
        assert (answer.status, answer.verdicts) == (403, ["refused; cleartext"]), answer
        assert not plain.received
    else:
        assert (answer.status, answer.verdicts) == (200, ["trusted;"])
        assert b"/path?q=1" in plain.received
        answer = proxy.curl("http://plain.example.test/", "--data-binary", "b" * 100_000)
        assert (answer.status, len(answer.body)) == (200, 100_000), answer
