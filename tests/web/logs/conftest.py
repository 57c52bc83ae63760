"""Our logs behind a real HTTP server on a free port, asked by urllib3."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.tlog.chains import Ca, OpenLogs
from tlog.ct import CtLog
from web.logs import Application, LogServer, ServerLimits


@dataclass(frozen=True)
class Service:
    """Where the logs answer."""

    url: str
    http: urllib3.PoolManager

    def get(self, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        return self.http.request("GET", self.url + path, **options)

    def ask(self, log: str, message: str, **parameters: Any) -> Any:
        """The JSON answer to a question of RFC 6962, which must not fail."""
        answer = self.http.request("GET", f"{self.url}/log/{log}/ct/v1/{message}", fields=parameters)
        assert answer.status == 200, answer.data
        return answer.json()

    def submit(
        self, log: str, chain: Sequence[bytes], message: str = "add-chain"
    ) -> urllib3.BaseHTTPResponse:
        return self.post(
            log, message, json.dumps({"chain": [base64.b64encode(der).decode() for der in chain]})
        )

    def post(self, log: str, message: str, body: str | bytes, **options: Any) -> urllib3.BaseHTTPResponse:
        return self.http.request("POST", f"{self.url}/log/{log}/ct/v1/{message}", body=body, **options)


@contextmanager
def served(
    logs: Mapping[str, CtLog], limits: ServerLimits | None = None, **options: Any
) -> Iterator[Service]:
    server = LogServer(Application(logs, **options), "127.0.0.1", 0, limits=limits)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    http = urllib3.PoolManager(maxsize=32, retries=False)
    try:
        yield Service(f"http://127.0.0.1:{server.port}", http)
    finally:
        http.clear()
        server.stop()
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[OpenLogs]:
    """Certificate logs that close with the test."""
    opened = OpenLogs(tmp_path / "logs")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def ca() -> Ca:
    """An issuing CA below a root."""
    return Ca.root().intermediate()


@pytest.fixture
def service(logs: OpenLogs, ca: Ca) -> Iterator[Service]:
    """An SM2 log and a P-256 log, empty, taking what ``ca`` issues."""
    with served({name: logs.create(name, [ca.anchor]) for name in ("sm2", "p256")}) as running:
        yield running


def fill(service: Service, ca: Ca) -> None:
    """Put 7 entries into both logs, certificates and precertificates by turns."""
    for number in range(7):
        message = "add-pre-chain" if number % 2 else "add-chain"
        chain = ca.chain(f"{number}.example.test", precertificate=bool(number % 2))
        for name in ("sm2", "p256"):
            assert service.submit(name, chain, message).status == 200


@pytest.fixture(scope="module")
def filled_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLogs]:
    """The logs behind ``filled``."""
    opened = OpenLogs(tmp_path_factory.mktemp("filled"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def filled(filled_logs: OpenLogs, ca: Ca) -> Iterator[Service]:
    """Two logs of 7 entries, for the tests of a module that only ask."""
    with served({name: filled_logs.create(name, [ca.anchor]) for name in ("sm2", "p256")}) as running:
        fill(running, ca)
        yield running
