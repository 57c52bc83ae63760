"""Our logs read by a reader that knows nothing of us, and other people's logs read by both."""

import ast
import tarfile
from pathlib import Path

import pytest

from monitor.follower.static_ct import StaticSource
from tests.tlog import independent
from tests.tlog.chains import Ca, OpenLogs
from tests.tlog.conftest import PlainEntries
from tests.tlog.independent import Note, StaticReader, from_directory
from tlog.ct import verify_log
from tlog.ct.tile_entries import CtEntries
from tlog.head import Head
from tlog.startup import check_entries
from tlog.storage import DirectoryStore
from tlog.verify import verify_tree
from verifier.certificates import Certificate
from verifier.transparency.checkpoint import Checkpoint
from verifier.transparency.entries import PrecertEntry
from verifier.transparency.extensions import leaf_index
from verifier.transparency.merkle import consistency_proof_from, verify_consistency, verify_inclusion
from verifier.transparency.tiles import Tile, node_reader, parse_data_tile

FIXTURES = Path(__file__).parents[1] / "fixtures"
TESSERACT_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
NAVIGLI_SIZE = 778
OURS = 259


def unpacked(fixture: str, directory: Path) -> Path:
    with tarfile.open(FIXTURES / fixture) as archive:
        archive.extractall(directory, filter="data")
    return directory / Path(fixture).name.partition(".")[0]


def test_the_reader_shares_no_code_with_the_product() -> None:
    tree = ast.parse(Path(independent.__file__).read_text())
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    rooms = {"mingjing", "web", "proxy_addon", "monitor", "issuer", "tlog", "keys", "verifier", "tests"}
    assert not {name.partition(".")[0] for name in imported} & rooms


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("name", ["p256", "sm2"])
def test_our_log(logs: OpenLogs, ca: Ca, name) -> None:
    log = logs.create(name, [ca.anchor])
    chains = [ca.chain(f"{at}.example.test", precertificate=at % 3 == 0) for at in range(OURS)]
    given = [log.submit(chain, precertificate=at % 3 == 0) for at, chain in enumerate(chains)]
    for submission in given:
        submission.wait(60)
    log.close()
    note, entries = StaticReader(from_directory(log.directory)).verified(log.key.spki)
    assert (note.origin, note.size) == (f"logs.example.test/log/{name}", OURS)
    assert {entry.precertificate or entry.certificate for entry in entries} == {chain[0] for chain in chains}
    above = [[ca.der, ca.anchor]] * OURS
    assert [
        [log_issuer(log, fingerprint) for fingerprint in entry.fingerprints] for entry in entries
    ] == above


def log_issuer(log, fingerprint: bytes) -> bytes:
    return (log.directory / "issuer" / fingerprint.hex()).read_bytes()


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("name", ["p256", "sm2"])
def test_the_reader_would_notice_another_signature(logs: OpenLogs, ca: Ca, name) -> None:
    log = logs.create(name, [ca.anchor])
    log.close()
    note = StaticReader(from_directory(log.directory)).checkpoint()
    independent.verify_rfc6962_signature(note, log.key.spki)
    forged = Note(note.text, note.origin, note.size + 1, note.root, note.signatures)
    with pytest.raises(Exception):  # noqa: B017, PT011 -- of two libraries
        independent.verify_rfc6962_signature(forged, log.key.spki)


@pytest.fixture(scope="module")
def tesseract(tmp_path_factory) -> Path:
    return unpacked("tesseract/log.tar.xz", tmp_path_factory.mktemp("tesseract"))


def test_a_tesseract_log_at_every_size(tesseract) -> None:
    for size in range(1, 16):
        data = (tesseract / f"checkpoint.{size}").read_bytes()
        note, ours = Note.parse(data), Checkpoint.parse(data)
        independent.verify_ed25519_signature(note, TESSERACT_KEY)
        assert (ours.origin, ours.size, ours.root_hash) == (note.origin, note.size, note.root)
        leaves = PlainEntries().leaves((tesseract / f"tile/entries/000.p/{size}").read_bytes())
        hashes = list(map(independent.leaf_hash, leaves))
        assert b"".join(hashes) == (tesseract / f"tile/0/000.p/{size}").read_bytes()
        assert independent.tree_hash(hashes) == note.root
        head = Head(size, ours.root_hash, 0, data)
        assert list(verify_tree(DirectoryStore(tesseract), head, PlainEntries())) == []


def test_the_trees_of_a_tesseract_log_are_consistent(tesseract) -> None:
    node = node_reader(lambda tile: (tesseract / tile.path).read_bytes(), 15)
    last = Checkpoint.parse((tesseract / "checkpoint").read_bytes())
    for size in range(1, 16):
        first = Checkpoint.parse((tesseract / f"checkpoint.{size}").read_bytes())
        proof = consistency_proof_from(node, size, 15)
        verify_consistency(size, 15, first.root_hash, last.root_hash, proof)


@pytest.fixture(scope="module")
def navigli(tmp_path_factory) -> Path:
    return unpacked("sunlight/navigli2025h2.tar.xz", tmp_path_factory.mktemp("navigli"))


def test_a_real_log_is_read_alike(navigli) -> None:
    reader = StaticReader(from_directory(navigli))
    theirs, hashes = reader.entries(NAVIGLI_SIZE), reader.level(0, NAVIGLI_SIZE)
    ours = [
        leaf
        for index in range(4)
        for leaf in parse_data_tile(
            reader.tile("data", index, NAVIGLI_SIZE), min(256, NAVIGLI_SIZE - 256 * index)
        )
    ]
    assert len(theirs) == len(ours) == NAVIGLI_SIZE
    for index, (entry, leaf) in enumerate(zip(theirs, ours, strict=True)):
        timestamped = leaf.timestamped
        assert timestamped.merkle_tree_leaf() == entry.leaf
        assert timestamped.leaf_hash() == independent.leaf_hash(entry.leaf) == hashes[index]
        assert entry.leaf_index == leaf_index(timestamped.extensions) == index
        assert list(leaf.chain) == entry.fingerprints
        assert leaf.pre_certificate == entry.precertificate
        der = leaf.pre_certificate or timestamped.entry.certificate
        certificate = Certificate.parse(der)
        if isinstance(timestamped.entry, PrecertEntry):
            assert certificate.precertificate_tbs == timestamped.entry.tbs


def test_our_engine_verifies_the_tiles_of_a_real_log(navigli) -> None:
    store, entries = DirectoryStore(navigli), CtEntries()
    reader = StaticReader(from_directory(navigli))
    for index in range(4):
        check_entries(
            Tile(None, index),
            reader.tile("data", index, NAVIGLI_SIZE),
            reader.tile("0", index, NAVIGLI_SIZE),
            entries,
        )
    root = independent.tree_hash(reader.level(0, NAVIGLI_SIZE))
    damages = list(verify_tree(store, Head(NAVIGLI_SIZE, root, 0, b""), entries))
    assert [damage.key for damage in damages] == ["tile/1/000.p/3"]  # the one tile that was not copied


class Files:
    """A monitor's fetcher that reads a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def get(self, url: str, *, limit: int) -> bytes:
        data = (self.directory / url.removeprefix("https://log.test/")).read_bytes()
        assert len(data) <= limit
        return data


def test_our_monitor_proves_inclusion_from_the_tiles_of_a_real_log(navigli) -> None:
    size = 256  # of the whole tree only level 0 was copied
    source = StaticSource("https://log.test/", "navigli", bytes(32), Files(navigli))
    hashes = StaticReader(from_directory(navigli)).level(0, NAVIGLI_SIZE)[:size]
    root = independent.tree_hash(hashes)
    for index in (0, 1, 100, 255):
        found = source.at(index, size)
        assert found.leaf_hash == hashes[index]
        verify_inclusion(found.leaf_hash, index, size, found.path, root)
        assert source.find(hashes[index], index, size) == found


def test_our_log_verify_names_what_the_reader_stumbles_over(logs: OpenLogs, ca: Ca) -> None:
    log = logs.create("p256", [ca.anchor])
    for at in range(3):
        log.add_chain(ca.chain(f"{at}.example.test"))
    log.close()
    path = log.directory / "tile" / "data" / "000.p" / "3"
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with pytest.raises(AssertionError):
        StaticReader(from_directory(log.directory)).verified(log.key.spki)
    assert not verify_log(log.directory).whole
