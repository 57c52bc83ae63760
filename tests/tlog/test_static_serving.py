"""A running log's directory behind nginx, set up as the documentation says, serves its whole read side."""

import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tlog.chains import Ca, OpenLogs
from tests.tlog.independent import StaticReader, over_http
from tlog.ct import CtLog

pytestmark = pytest.mark.needs("nginx")
DOCUMENT = Path(__file__).parents[2] / "docs" / "static-serving.md"
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
def log(logs: OpenLogs, ca: Ca) -> CtLog:
    return logs.create("p256", [ca.anchor])


@pytest.fixture
def address(log: CtLog, tmp_path: Path) -> Iterator[str]:
    """Where nginx serves the log's directory."""
    (server,) = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = server.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/srv/log", str(log.directory))
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/nginx-{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    owner = "user root;" if tmp_path.owner() == "root" else ""
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; {owner} pid {tmp_path}/nginx.pid; error_log stderr;"
        f"events {{}} http {{ access_log off; {temporary} {server} }}"
    )
    nginx = shutil.which("nginx") or "nginx"
    with subprocess.Popen(
        [nginx, "-c", tmp_path / "nginx.conf", "-e", "stderr"], stderr=subprocess.PIPE
    ) as process:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process)
        yield address
        process.terminate()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        try:
            urllib.request.urlopen(f"{address}/checkpoint").close()
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx does not answer")


def test_the_reader_finds_the_whole_log_while_it_grows(log, address, ca) -> None:
    reader = StaticReader(over_http(address))
    promised = set()
    for count in (3, 250, 7):
        chains = [ca.chain(f"{at}.example.test", precertificate=at % 2 == 1) for at in range(count)]
        given = [log.submit(chain, precertificate=at % 2 == 1) for at, chain in enumerate(chains)]
        for submission in given:
            submission.wait(60)
        promised |= {chain[0] for chain in chains}
        note, entries = reader.verified(log.key.spki)
        assert note.size == len(promised)
        assert {entry.precertificate or entry.certificate for entry in entries} == promised


def test_headers_and_compression(log, address, ca) -> None:
    submissions = [log.submit(ca.chain(f"{at}.example.test"), precertificate=False) for at in range(20)]
    for submission in submissions:
        submission.wait(60)
    size = log.get_sth().tree_size
    issuer = next((log.directory / "issuer").iterdir()).name
    for path, kind, cache in [
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=1"),
        (f"tile/0/000.p/{size}", "application/octet-stream", FOREVER),
        (f"tile/data/000.p/{size}", "application/octet-stream", FOREVER),
        (f"issuer/{issuer}", "application/pkix-cert", FOREVER),
    ]:
        with urllib.request.urlopen(f"{address}/{path}") as answer:
            assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, cache), path
    request = urllib.request.Request(f"{address}/tile/data/000.p/{size}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "path", ["log.toml", "roots.pem", "index.db", "staging/", "", "../p256.head", "tile/", "tile/0/000"]
)
def test_nothing_else_is_served_and_no_absence_is_cached(address, path) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/{path}")
    assert refused.value.code in {400, 403, 404}
    assert "Cache-Control" not in refused.value.headers
    refused.value.close()
