"""A disk that stops answering, seen from outside: 503 in time, /readyz says why, stopping works."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from tests.tlog.chains import Ca, OpenLogs
from tests.web.logs.conftest import Service
from tlog.ct import verify_log

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("call", ["create", "swap", "replace"])
def test_a_disk_that_hangs(logs: OpenLogs, ca: Ca, tmp_path, call) -> None:
    log = logs.create("p256", [ca.anchor])
    log.close()
    (tmp_path / "key").write_bytes(logs.keys["p256"].to_pkcs8())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "tests.web.logs.serve_hanging",
        log.directory,
        tmp_path / "key",
        str(port),
        call,
    ]
    http = urllib3.PoolManager(retries=False, timeout=60)
    service = Service(f"http://127.0.0.1:{port}", http)
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            _wait_for(port)
            _hangs(service, ca)
        except BaseException:
            process.kill()
            raise
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "the write hangs for ever, the process does not"
    http.clear()
    again = logs.open("p256")
    again.add_chain(ca.chain("after.example.test"))
    again.close()
    assert verify_log(log.directory).whole


def _wait_for(port: int) -> None:
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the service does not start")


def _hangs(service: Service, ca: Ca) -> None:
    slow = service.submit("p256", ca.chain())
    assert slow.status == 503
    assert int(slow.headers["Retry-After"]) >= 1
    assert "slow" in slow.json()["error_message"]
    deadline = time.monotonic() + 60
    while (ready := service.get("/readyz")).status != 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "the store has not answered for" in ready.json()["error_message"]
    refused = service.submit("p256", ca.chain("other.example.test"))
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30"), "told at once"
    assert service.get("/log/p256/checkpoint").status == 200, "what is there is still read"
