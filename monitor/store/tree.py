"""The tree as rows of 256 hashes, the layout of the public tiles (C2SP tlog-tiles).

Level 0 holds leaf hashes, level n the roots of full tiles of the level below. A tree of any size up to the
one stored can be read from it: roots and proofs cost O(log n) rows.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from verifier.transparency.merkle import parents_of, root_of

WIDTH = 256
HEIGHT = 8
HASH = 32


def split(hashes: bytes) -> list[bytes]:
    """Return the hashes that stand one after another in ``hashes``."""
    return [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]


def append(connection: sqlite3.Connection, log: int, position: int, hashes: Sequence[bytes]) -> None:
    """Add leaf hashes from index ``position`` on, and the nodes above the tiles that they fill."""
    level = 0
    while hashes:
        row = [*split(_begun(connection, log, level, position)), *hashes]
        first = position // WIDTH
        tiles = [b"".join(row[at : at + WIDTH]) for at in range(0, len(row), WIDTH)]
        connection.executemany(
            "INSERT OR REPLACE INTO tiles (log, level, idx, hashes) VALUES (?, ?, ?, ?)",
            [(log, level, first + offset, tile) for offset, tile in enumerate(tiles)],
        )
        hashes = tile_roots(row)
        level, position = level + 1, first


def tile_roots(row: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the full tiles in a row of hashes, all tiles a level at a time."""
    nodes: Sequence[bytes] = row[: len(row) - len(row) % WIDTH]
    for _ in range(HEIGHT):
        nodes = parents_of(nodes)
    return list(nodes)


def truncate(connection: sqlite3.Connection, log: int, size: int) -> None:
    """Forget every node that a tree of ``size`` leaves does not have."""
    level = 0
    while connection.execute("SELECT 1 FROM tiles WHERE log=? AND level=? LIMIT 1", (log, level)).fetchone():
        full, partial = divmod(size, WIDTH)
        begun = _begun(connection, log, level, size)
        connection.execute("DELETE FROM tiles WHERE log=? AND level=? AND idx>=?", (log, level, full))
        if partial:
            connection.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (log, level, full, begun))
        size, level = full, level + 1


def _begun(connection: sqlite3.Connection, log: int, level: int, position: int) -> bytes:
    """Return the hashes before ``position`` in its tile."""
    index, partial = divmod(position, WIDTH)
    if not partial:
        return b""
    row = connection.execute(
        "SELECT hashes FROM tiles WHERE log=? AND level=? AND idx=?", (log, level, index)
    ).fetchone()
    return bytes(row[0][: partial * HASH])


class Tile:
    """One row of hashes and the perfect subtrees above it, each computed when first asked for."""

    def __init__(self, hashes: bytes) -> None:
        self._hashes = split(hashes)
        self._nodes: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes | None:
        """Return the node ``level`` (0 to 7) above the row, None when the row does not reach that far."""
        if (index + 1) << level > len(self._hashes):
            return None
        if not level:
            return self._hashes[index]
        node = self._nodes.get((level, index))
        if node is None:
            node = root_of(self._hashes[index << level : (index + 1) << level])
            self._nodes[level, index] = node
        return node


class TreeReader:
    """Reads nodes of one log's tree; ``node(level, index)`` is the root over leaves index·2^level onwards."""

    def __init__(self, connection: sqlite3.Connection, log: int) -> None:
        self._connection = connection
        self._log = log
        self._tiles: dict[tuple[int, int], Tile] = {}

    def preload(self, level: int, indexes: Iterable[int]) -> None:
        """Read several tiles of one level with one statement each five hundred."""
        wanted = sorted({index for index in indexes if (level, index) not in self._tiles})
        for at in range(0, len(wanted), 500):
            chunk = wanted[at : at + 500]
            marks = ",".join("?" * len(chunk))
            rows = self._connection.execute(
                f"SELECT idx, hashes FROM tiles WHERE log=? AND level=? AND idx IN ({marks})",  # noqa: S608
                (self._log, level, *chunk),
            )
            self._tiles.update({(level, index): Tile(bytes(hashes)) for index, hashes in rows})

    def _tile(self, level: int, index: int) -> Tile:
        if (level, index) not in self._tiles:
            self.preload(level, [index])
        return self._tiles[level, index]

    def node(self, level: int, index: int) -> bytes:
        """Return one node; raises KeyError when the tree does not reach it."""
        tile_level, above = divmod(level, HEIGHT)
        row_index = index << above
        node = self._tile(tile_level, row_index // WIDTH).node(above, (row_index % WIDTH) >> above)
        if node is None:
            raise KeyError((level, index))
        return node
