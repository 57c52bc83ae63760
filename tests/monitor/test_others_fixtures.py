"""The follower reads a log that others made: 778 entries of a real static-ct-api log, served over HTTP."""

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from monitor.follower.static_ct import StaticSource
from monitor.values import AuditOutcome, Match, Query
from tests.monitor.conftest import StaticLog
from verifier.transparency.entries import PrecertEntry
from verifier.transparency.merkle import root_of
from verifier.transparency.tiles import Tile, parse_data_tile
from verifier.transparency.tree_head import sign_tree_head

ARCHIVE = Path(__file__).parents[1] / "fixtures/sunlight/navigli2025h2.tar.xz"
SIZE = 778


class RealLog(StaticLog):
    """Serves a directory's tiles; the head is signed with a key of ours, as no checkpoint came with them."""

    directory = Path()

    def tiles(self, level):
        for index in range(4):
            tile = Tile(level, index, min(256, SIZE - index * 256))
            yield tile, (self.directory / tile.path).read_bytes()

    def head(self):
        hashes = [one for tile, data in self.tiles(0) for one in tile.parse_hashes(data)]
        return sign_tree_head(SIZE, self.now(), root_of(hashes), self.key)

    def tile_bytes(self, tile):
        if tile.level == 1:  # the one tile that did not come with it
            return b"".join(root_of(one.parse_hashes(data)) for one, data in self.tiles(0) if one == one.full)
        file = self.directory / tile.path
        return file.read_bytes() if file.is_file() else None

    def body(self, path):
        if path.startswith("tile/"):
            return self.tile_bytes(Tile.parse_path(path))
        return super().body(path)


@pytest.fixture
def navigli(tmp_path, served):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    log = RealLog("navigli")
    log.directory = tmp_path / "navigli2025h2"
    return served(log)


def test_a_real_log_is_read_whole(monitor, navigli, monkeypatch):
    """Every entry is read, the root matches, and every name is found. The issuers did not come with it."""
    monkeypatch.setattr(StaticSource, "_fetch_issuer", lambda _self, _fingerprint: b"\x30\x00")
    monitor.watch_log(navigli.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    state = monitor.log("navigli")
    assert (state.followed, state.head.tree_size, state.malformed) == (SIZE, SIZE, 0)
    assert state.head.root_hash == navigli.head().root_hash
    assert monitor.alerts() == ()
    now, searched = datetime.now(UTC), 0
    for tile, data in navigli.tiles(None):
        for leaf in parse_data_tile(data, tile.width)[::25]:
            entry = leaf.timestamped.entry
            der = leaf.pre_certificate if isinstance(entry, PrecertEntry) else entry.certificate
            names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
            for name in names.value.get_values_for_type(x509.DNSName)[:2]:
                assert monitor.search(Query(name, Match.EXACT), now).results, name
                searched += 1
    assert searched > 30


def test_without_its_issuers_the_log_is_unavailable_not_guilty(monitor, navigli):
    monitor.watch_log(navigli.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.UNAVAILABLE
    assert "issuer-missing" in {finding.code.value for finding in report.findings}
    assert monitor.distrusted_logs() == frozenset()
