"""static-ct-api, read by a reader of the test's own that shares no code with the product."""

import base64
import functools
import gzip
import hashlib
import http.server
import threading
import time
import urllib.request

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIZE = 259


class StaticReader:
    """Reads a log by C2SP static-ct-api alone: checkpoint, hash tiles, data tiles, issuers."""

    def __init__(self, base: str) -> None:
        self.base = base

    def fetch(self, path: str) -> bytes:
        request = urllib.request.Request(f"{self.base}/{path}", headers={"Accept-Encoding": "gzip, identity"})
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
            return gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body

    def checkpoint(self) -> tuple[str, int, bytes, bytes]:
        """Origin, size, root, and the note signature's bytes."""
        text, _, signatures = self.fetch("checkpoint").decode().partition("\n\n")
        origin, size, root = text.split("\n")
        dash, name, signature = signatures.rstrip("\n").split(" ")
        assert (dash, name) == ("\u2014", origin)
        return origin, int(size), base64.b64decode(root), base64.b64decode(signature)

    @staticmethod
    def path(level: str, index: int, width: int) -> str:
        parts = f"{index:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
        return f"tile/{level}/{parts}" + (f".p/{width}" if width != 256 else "")

    def leaf_hashes(self, size: int) -> list[bytes]:
        hashes = b""
        for index in range(-(-size // 256)):
            hashes += self.fetch(self.path("0", index, min(256, size - 256 * index)))
        return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]

    def entries(self, size: int):
        """Yield (leaf, precertificate or None, fingerprints) of each entry."""
        for index in range(-(-size // 256)):
            data = self.fetch(self.path("data", index, min(256, size - 256 * index)))
            while data:
                end = 10
                kind = int.from_bytes(data[8:10])
                if kind == 1:
                    end += 32
                end += 3 + int.from_bytes(data[end : end + 3])
                end += 2 + int.from_bytes(data[end : end + 2])
                leaf, data = b"\0\0" + data[:end], data[end:]
                precertificate = None
                if kind == 1:
                    length = int.from_bytes(data[:3])
                    precertificate, data = data[3 : 3 + length], data[3 + length :]
                length = int.from_bytes(data[:2])
                prints, data = data[2 : 2 + length], data[2 + length :]
                yield leaf, precertificate, [prints[at : at + 32] for at in range(0, length, 32)]


def tree_hash(nodes: list[bytes]) -> bytes:
    if len(nodes) == 1:
        return nodes[0]
    k = 1
    while k * 2 < len(nodes):
        k *= 2
    return hashlib.sha256(b"\1" + tree_hash(nodes[:k]) + tree_hash(nodes[k:])).digest()


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
    reader = StaticReader(addresses[server])
    origin, size, root, signature = reader.checkpoint()
    assert (origin, size) == ("logs.example.test/log/p256", SIZE)

    spki = log.key.spki
    log_id = hashlib.sha256(spki).digest()
    assert signature[:4] == hashlib.sha256(origin.encode() + b"\n\x05" + log_id).digest()[:4]
    timestamp, signed = signature[4:12], signature[12:]
    assert signed[:2] == b"\x04\x03"
    tree_head = b"\0\1" + timestamp + size.to_bytes(8) + root
    load_der_public_key(spki).verify(signed[4:], tree_head, ec.ECDSA(hashes.SHA256()))

    leaf_hashes = reader.leaf_hashes(size)
    assert tree_hash(leaf_hashes) == root
    entries = list(reader.entries(size))
    assert [hashlib.sha256(b"\0" + leaf).digest() for leaf, _, _ in entries] == leaf_hashes
    for index, (leaf, _, prints) in enumerate(entries):
        assert leaf[-8:] == b"\x00\x00\x05" + index.to_bytes(5), "the leaf_index extension"
        assert [reader.fetch(f"issuer/{name.hex()}") for name in prints[:1]] == [ca.der]
        assert reader.fetch(f"issuer/{prints[-1].hex()}") == ca.anchor if index < 3 else True
    submitted = {chain[0] for chain in chains}
    certificates = {leaf[15 : 15 + int.from_bytes(leaf[12:15])] for leaf, pre, _ in entries if pre is None}
    assert certificates | {pre for _, pre, _ in entries if pre is not None} == submitted
    level_one = reader.fetch("tile/1/000.p/1")
    assert level_one == tree_hash(leaf_hashes[:256])


def test_partial_tiles_that_full_ones_replaced_are_gone_from_disk_yet_served(filled) -> None:
    service, _, log, _, _ = filled
    left = [log.directory / "tile" / "0" / "000.p", log.directory / "tile" / "data" / "000.p"]
    deadline = time.monotonic() + 5  # tidying comes after the promises are released
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
