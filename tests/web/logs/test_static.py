"""static-ct-api over HTTP, from our server and a plain one, to a reader that shares no code with us."""

import functools
import gzip
import hashlib
import http.server
import threading
import time

import pytest

from tests.tlog.independent import StaticReader, over_http

SIZE = 259


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A P-256 log of 259 entries, served by our application and by a plain static file server."""
    from tests.tlog.chains import Ca, OpenLogs
    from tests.web.logs.conftest import served
    from tlog.pool import Limits

    ca = Ca.root().intermediate()
    logs = OpenLogs(tmp_path_factory.mktemp("static"))
    logs.create("p256", [ca.anchor]).close()
    log = logs.open("p256", Limits(period=0.2))
    chains = [ca.chain(f"{number}.example.test", precertificate=number % 3 == 0) for number in range(SIZE)]

    def submit(start: int) -> None:
        for number in range(start, SIZE, 37):
            (log.add_chain if number % 3 else log.add_pre_chain)(chains[number])

    threads = [threading.Thread(target=submit, args=(start,)) for start in range(37)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler = functools.partial(QuietHandler, directory=str(log.directory))
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    with served({"p256": log}) as service:
        yield service, {
            "ours": f"{service.url}/log/p256", "plain": f"http://127.0.0.1:{plain.server_port}"
        }, log, ca, chains  # fmt: skip
    plain.shutdown()
    plain.server_close()
    logs.close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.mark.parametrize("server", ["ours", "plain"])
def test_an_independent_reader_finds_the_whole_log(filled, server) -> None:
    _, addresses, log, ca, chains = filled
    note, entries = StaticReader(over_http(addresses[server])).verified(log.key.spki)
    assert (note.origin, note.size) == ("logs.example.test/log/p256", SIZE)
    assert {entry.precertificate or entry.certificate for entry in entries} == {chain[0] for chain in chains}
    above = [hashlib.sha256(der).digest() for der in (ca.der, ca.anchor)]
    assert all(entry.fingerprints == above for entry in entries)


def test_partial_tiles_that_full_ones_replaced_are_gone_from_disk_yet_served(filled) -> None:
    service, _, log, _, _ = filled
    left = [log.directory / "tile" / "0" / "000.p", log.directory / "tile" / "data" / "000.p"]
    deadline = time.monotonic() + 60  # tidying comes after the promises are released
    while any(path.exists() for path in left) or any((log.directory / "staging").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    full = service.get("/log/p256/tile/0/000").data
    assert service.get("/log/p256/tile/0/000.p/9").data == full[: 9 * 32]
    whole = service.get("/log/p256/tile/data/000").data
    part = service.get("/log/p256/tile/data/000.p/9").data
    assert whole.startswith(part)
    assert 0 < len(part) < len(whole)


def test_headers_let_caches_keep_what_never_changes(filled) -> None:
    service, _, _, ca, _ = filled
    fingerprint = hashlib.sha256(ca.der).hexdigest()
    forever = "public, max-age=31536000, immutable"
    for path, kind, cache in [
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=1"),
        ("tile/0/000", "application/octet-stream", forever),
        ("tile/data/001.p/3", "application/octet-stream", forever),
        (f"issuer/{fingerprint}", "application/pkix-cert", forever),
    ]:
        answer = service.get(f"/log/p256/{path}")
        assert answer.status == 200, path
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, cache)


def test_data_tiles_are_compressed_for_those_who_take_it(filled) -> None:
    service = filled[0]
    plain = service.get("/log/p256/tile/data/000", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for header in ("gzip", "br, gzip;q=0.5", "*"):
        answer = service.get(
            "/log/p256/tile/data/000",
            headers={"Accept-Encoding": header},
            decode_content=False,
            preload_content=False,
        )
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
        body = answer.read(decode_content=False)
        assert gzip.decompress(body) == plain.data
        assert len(body) < len(plain.data) * 0.8
    refused = service.get("/log/p256/tile/data/000", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002", "tile/0/001.p/4", "tile/0/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/0",
        "tile/0/x000/000",
        "tile/6/000", "tile/00/000", "tile/data/001.p/4", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1",
        "tile/0/..%2f..%2fcheckpoint", "tile/names/000", "issuer/00",
        "issuer/" + "0" * 64, "issuer/" + "A" * 64,
        "log.toml", "roots.pem", "index.db", "staging/", "../p256.head", "tile/", "tile/0/%00",
    ],
)  # fmt: skip
def test_what_is_not_part_of_the_tree_is_not_there(filled, path) -> None:
    service = filled[0]
    answer = service.http.urlopen("GET", f"{service.url}/log/p256/{path}", redirect=False)
    assert answer.status == 404
    assert answer.json()["error_message"]
