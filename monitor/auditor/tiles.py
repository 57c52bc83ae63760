"""The tiles of hashes that a static-ct-api log serves, against our copy of the tree."""

from random import SystemRandom

from monitor.auditor.heads import head_json
from monitor.auditor.running import RunningAudit
from monitor.follower.static_ct import StaticSource
from monitor.store.tree import TreeReader
from monitor.values import AuditCode, Head
from verifier.transparency.merkle import inclusion_proof_from
from verifier.transparency.strict_json import encode_base64
from verifier.transparency.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tiles_of

AT_ONCE = 40  # tiles an audit: each would cost a question; whoever serves wrong ones cannot know which
TILES = "static-ct-api, Merkle Tree"


def check_tiles(audit: RunningAudit) -> None:
    """Compare the tiles that came with the last rebuilt head; raises SourceError where one is not served."""
    head, cursor = audit.logs.last_rebuilt(audit.row.id), f"tiles {audit.row.id}"
    since = audit.observations.cursor(cursor)
    if head is None or since >= head.tree_size or not isinstance(audit.source, StaticSource):
        return
    tree, chosen = audit.logs.tree(audit.row.id), _chosen(head.tree_size, since)
    for tile in chosen:
        served, right = audit.source.tile(tile), _right(tree, tile)
        if served != right:  # a log is accused of what it says twice
            served = audit.source.tile(tile)
        if served != right:
            _accuse(audit, head, tile, served, right)
            return
    detail = f"{len(chosen)} tiles of hashes that were served are those of the signed tree."
    audit.passed(AuditCode.TILES, detail, TILES)
    audit.observations.move(cursor, head.tree_size)


def _chosen(size: int, since: int) -> list[Tile]:
    new = [tile for tile in tiles_of(size, since=since) if tile.level is not None]
    return new if len(new) <= AT_ONCE else SystemRandom().sample(new, AT_ONCE)


def _right(tree: TreeReader, tile: Tile) -> bytes:
    level, first = (tile.level or 0) * TILE_HEIGHT, tile.index * TILE_WIDTH
    return b"".join(tree.node(level, first + offset) for offset in range(tile.width))


def _accuse(audit: RunningAudit, head: Head, tile: Tile, served: bytes, right: bytes) -> None:
    level = (tile.level or 0) * TILE_HEIGHT
    offset = next(
        at for at in range(tile.width) if served[at * 32 : at * 32 + 32] != right[at * 32 : at * 32 + 32]
    )
    leaf = (tile.index * TILE_WIDTH + offset) << level
    path = inclusion_proof_from(audit.logs.tree(audit.row.id).node, leaf, head.tree_size)[level:]
    evidence = {
        "tree_head": head_json(head),
        "path": tile.path,
        "body": encode_base64(served),
        "hashes": encode_base64(right),
        "audit_path": [encode_base64(node) for node in path],
    }
    detail = f"{tile.path} does not hash to the tree of {head.tree_size} entries that the log signed."
    audit.failed(AuditCode.TILE_WRONG, detail, TILES, evidence)
