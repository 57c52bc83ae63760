"""From a submission to the hook: logs and scheduler as they are in service, a watched name, a program.

The limit is the poll period plus one second: an entry may just have missed a look at the log.
"""

import base64
import json
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.figure import Figure

PERIOD: Final = 2  # seconds between two looks at a log
SUBMISSIONS: Final = 12
PATIENCE: Final = 60.0  # seconds
HOOK: Final = '#!/bin/sh\ndate +%s.%N > "$(dirname "$0")/told/$MINGJING_MATCHED"\n'


def measure() -> Iterator[Figure]:
    """Submit certificates at random moments and see when the hook runs for each."""
    with tempfile.TemporaryDirectory() as directory:
        data, ca, port = Path(directory) / "data", _Ca(), _free_port()
        _prepare(data, ca, port)
        with _services(data):
            _until_it_watches(data, ca, port)
            delays = sorted(
                _delay(data, ca, port, f"n{number}.watched.example") for number in range(SUBMISSIONS)
            )
    limit = PERIOD + 1.0
    name = f"alert: submission to hook, slowest of {SUBMISSIONS}"
    yield Figure(name, delays[-1], "s", "poll period plus one second", limit, 1.0, higher_is_better=False)
    name = "alert: submission to hook, median"
    yield Figure(name, delays[len(delays) // 2], "s", "poll period", PERIOD, higher_is_better=False)


class _Ca:
    """A CA of the benchmark's own, which the logs accept."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Benchmark CA")])
        self.certificate = self._sign(self._name, x509.BasicConstraints(ca=True, path_length=0))

    def issue(self, host: str) -> bytes:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        return self._sign(subject, names).public_bytes(Encoding.DER)

    def _sign(self, subject: x509.Name, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509
            .CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=90))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )


def _prepare(data: Path, ca: _Ca, port: int) -> None:
    _mingjing(data, "init", "--org", "Bench", "--domain", "bench.example")
    settings = data / "mingjing.toml"
    text = re.sub(r"(?m)^logs = \d+", f"logs = {port}", settings.read_text("utf-8"))
    settings.write_text(re.sub(r"(?m)^interval = \d+", f"interval = {PERIOD}", text), "utf-8")
    for roots in data.glob("logs/*/roots.pem"):
        roots.write_bytes(roots.read_bytes() + ca.certificate.public_bytes(Encoding.PEM))
    program = data / "hook.sh"
    program.write_text(HOOK)
    program.chmod(0o755)
    (data / "told").mkdir()
    watched = 'names = [".watched.example"]\n[[hook]]\nname = "bench"\nprogram = "hook.sh"\n'
    (data / "watchlist.toml").write_text(watched)


@contextmanager
def _services(data: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "mingjing", "run", "logs", "scheduler", "--data", str(data)]
    with (data / "out").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def _mingjing(data: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "mingjing", *arguments, "--data", str(data)]
    subprocess.run(command, check=True, capture_output=True)


def _until_it_watches(data: Path, ca: _Ca, port: int) -> None:
    """Wait until a first certificate has gone all the way: the services have started."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            _delay(data, ca, port, "first.watched.example")
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline, (data / "out").read_text()
            time.sleep(0.2)
        else:
            return


def _delay(data: Path, ca: _Ca, port: int, host: str) -> float:
    """Submit one certificate after a random pause; return the seconds until the hook ran."""
    chain = [ca.issue(host), ca.certificate.public_bytes(Encoding.DER)]
    body = json.dumps({"chain": [base64.b64encode(der).decode() for der in chain]})
    time.sleep(random.uniform(0, PERIOD))  # noqa: S311
    began = time.time()
    url = f"http://127.0.0.1:{port}/log/p256/ct/v1/add-chain"
    answer = urllib3.request(
        "POST", url, body=body, headers={"Content-Type": "application/json"}, retries=False
    )
    assert answer.status == 200, answer.data
    told = data / "told" / host
    deadline = time.monotonic() + PATIENCE
    while not (text := told.read_text() if told.exists() else ""):
        assert time.monotonic() < deadline, f"the hook was not run for {host}"
        time.sleep(0.01)
    return float(text) - began


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
