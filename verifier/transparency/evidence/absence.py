"""A leaf that is nowhere in a tree: a Merkle tree has no proof of that shorter than all of its leaves.

Where these are in the file, it is proven. Else the file holds what anybody can ask the log itself: one proof
that leads to the signed root would refute the claim, and only the log could have it.
"""

from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from verifier.errors import InvalidProof
from verifier.transparency.evidence.case import Case, Result, short
from verifier.transparency.merkle import MAX_SIZE, root_of, verify_inclusion
from verifier.transparency.strict_json import JsonObject, encode_base64
from verifier.transparency.tree_head import SignedTreeHead

_MOST_STATUS = 999
_OK = 200


def absent(case: Case, leaf: bytes, head: SignedTreeHead) -> Result:
    """``leaf`` must be none of the tree of ``head``."""
    if "leaf_hashes" in case.material:
        leaves = _split(case.material.base64("leaf_hashes"))
        case.require(
            len(leaves) == head.tree_size and root_of(leaves) == head.root_hash,
            f"the {len(leaves)} recorded leaf hashes are the whole tree that the log signed",
        )
        case.require(leaf not in set(leaves), f"the promised leaf {short(leaf)} is none of them")
        return Result.PROVEN
    case.require(True, "the recorder read every entry and did not find it; the entries are not in this file")
    if "by_hash" in case.material:
        _refused(case, case.material.member("by_hash"), leaf, head)
    case.require(
        True,
        f"to see for yourself, ask the log to prove leaf {encode_base64(leaf)} in its tree of"
        f" {head.tree_size} entries: a proof that leads to {short(head.root_hash)} refutes this",
    )
    return Result.OBSERVED


def _refused(case: Case, asked: JsonObject, leaf: bytes, head: SignedTreeHead) -> None:
    """The log, asked by leaf hash for this very tree (RFC 6962 section 4.5), had no proof."""
    url, status = asked.text("url"), asked.integer("status", maximum=_MOST_STATUS)
    query = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    case.require(
        query.get("hash") == encode_base64(leaf) and query.get("tree_size") == str(head.tree_size),
        f"the log was asked for it: {url}",
    )
    proven = status == _OK and _proven(asked, leaf, head)
    answer = f"with status {status}" if status != _OK else "with a path that does not lead to the signed root"
    case.require(not proven, f"and answered {answer}")


def _proven(asked: JsonObject, leaf: bytes, head: SignedTreeHead) -> bool:
    index, path = asked.integer("leaf_index", maximum=MAX_SIZE), asked.base64s("audit_path")
    try:
        verify_inclusion(leaf, index, head.tree_size, path, head.root_hash)
    except InvalidProof:
        return False
    return True


def _split(hashes: bytes) -> list[bytes]:
    size = sha256().digest_size
    return [hashes[at : at + size] for at in range(0, len(hashes), size)]
