"""The logs' server as a service: it ends on SIGTERM, and says why it cannot start."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from mingjing.errors import MingjingError
from mingjing.serving import serve_logs

ROOT = Path(__file__).parents[2]
PROGRAM = """
import functools, sys
from mingjing.serving import serve_logs
from web.logs import server
server.ServerLimits = functools.partial(server.ServerLimits, grace=3600.0)
serve_logs({}, '127.0.0.1', int(sys.argv[1]))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_the_logs_are_served_until_the_order_to_end(order) -> None:
    port = free_port()
    command = [sys.executable, "-c", PROGRAM, str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        http = urllib3.PoolManager(retries=urllib3.Retry(60, backoff_factor=0.1, backoff_max=1))
        assert http.request("GET", f"http://127.0.0.1:{port}/healthz").data == b"ok\n"
        process.send_signal(order)
        process.send_signal(order)  # impatience changes nothing
        assert process.wait(60) == 0, "an idle connection does not hold the end up"
        assert process.stderr
        assert process.stderr.read() == ""
        http.clear()


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            MingjingError, match=f"could not listen on 127.0.0.1:{port}: Address already in use.$"
        ):
            serve_logs({}, "127.0.0.1", port)
