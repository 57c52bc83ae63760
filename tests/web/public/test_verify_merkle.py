"""The checker's Merkle tree against the RFC's own definition, our verifier and other people's vectors."""

import json
import random
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest

from verifier.errors import InvalidProof
from verifier.transparency.merkle import verify_consistency, verify_inclusion

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-browser")]
VECTORS = Path(__file__).parents[2] / "verifier" / "transparency" / "data" / "merkle_vectors.json"
ASK = """(cases) => {
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const { climb, continues, toHex } = Mingjing;
  const holds = ({ leaf, index, size, path, root }) =>
    toHex(climb(bytes(leaf), index, size, path.map(bytes)).at(-1)?.computed ?? bytes(leaf)) === root;
  const grows = ({ first, second, old, young, path }) =>
    continues({ size: first, root: bytes(old) }, { size: second, root: bytes(young) }, path.map(bytes));
  return cases.map((one) => { try { return (one.leaf ? holds : grows)(one); } catch { return false; } });
}"""


# RFC 6962 section 2.1, word for word: MTH, PATH and PROOF over the leaves' bytes.


def split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def inclusion(leaves: list[bytes], index: int) -> dict:
    return {
        "leaf": sha256(b"\0" + leaves[index]).hexdigest(), "index": index, "size": len(leaves),
        "path": [node.hex() for node in path(index, leaves)], "root": mth(leaves).hex(),
    }  # fmt: skip


def consistency(leaves: list[bytes], first: int) -> dict:
    return {
        "first": first, "second": len(leaves), "old": mth(leaves[:first]).hex(), "young": mth(leaves).hex(),
        "path": [node.hex() for node in subproof(first, leaves)],
    }  # fmt: skip


def test_every_path_and_every_pair_of_small_trees_holds(saved):
    leaves = [bytes([number]) for number in range(24)]
    cases = [inclusion(leaves[:size], at) for size in range(1, 25) for at in range(size)]
    cases += [consistency(leaves[:size], first) for size in range(1, 25) for first in range(1, size + 1)]
    assert saved.evaluate(ASK, cases) == [True] * len(cases)


def damaged(case: dict, chance: random.Random) -> dict:
    """Return ``case`` with one thing changed: a bit, a node more, less or moved, another number."""
    numbers = [name for name in ("index", "size", "first", "second") if name in case]
    hashes = [name for name in ("leaf", "root", "old", "young") if name in case]
    change, nodes = chance.choice(["number", "hash", "node", "drop", "add", "swap"]), list(case["path"])
    if change == "number" or (change in {"node", "drop", "swap"} and len(nodes) < 2):
        name = chance.choice(numbers)
        return {**case, name: max(case[name] + chance.choice([-2, -1, 1, 2, 7]), 0)}
    if change == "hash":
        name = chance.choice(hashes)
        return {**case, name: other(case[name], chance)}
    at = chance.randrange(len(nodes)) if nodes else 0
    if change == "node":
        nodes[at] = other(nodes[at], chance)
    elif change == "drop":
        del nodes[at]
    elif change == "add":
        nodes.insert(at, chance.randbytes(32).hex())
    else:
        nodes[at - 1], nodes[at] = nodes[at], nodes[at - 1]
    return {**case, "path": nodes}


def other(digest: str, chance: random.Random) -> str:
    changed = bytearray.fromhex(digest)
    changed[chance.randrange(32)] ^= 1 << chance.randrange(8)
    return changed.hex()


def in_python(case: dict) -> bool:
    """What our verifier says of a case: it was written apart from the checker, and another way."""
    nodes = [bytes.fromhex(node) for node in case["path"]]
    try:
        if "leaf" in case:
            leaf, root = bytes.fromhex(case["leaf"]), bytes.fromhex(case["root"])
            verify_inclusion(leaf, case["index"], case["size"], nodes, root)
        else:
            roots = bytes.fromhex(case["old"]), bytes.fromhex(case["young"])
            verify_consistency(case["first"], case["second"], *roots, nodes)
    except InvalidProof:
        return False
    return True


@pytest.mark.parametrize("seed", range(3))
def test_random_trees_honest_and_damaged_are_judged_as_our_verifier_judges_them(saved, seed):
    chance, honest = random.Random(seed), []  # noqa: S311  the same trees each time
    for _ in range(60):
        leaves = [chance.randbytes(chance.randrange(40)) for _ in range(chance.randrange(1, 300))]
        honest += [inclusion(leaves, chance.randrange(len(leaves)))]
        honest += [consistency(leaves, chance.randrange(1, len(leaves) + 1))]
    cases = [*honest, *(damaged(case, chance) for case in honest for _ in range(6))]
    compared = [case for case in cases if "leaf" in case or 0 < case["first"] < case["second"]]
    judged = saved.evaluate(ASK, compared)
    apart = [case for case, one in zip(compared, judged, strict=True) if one is not in_python(case)]
    assert apart == []
    assert judged.count(False) > 400
    assert judged.count(True) > 100


def test_other_peoples_vectors_are_judged_as_they_say(saved):
    probes = json.loads(VECTORS.read_text("utf-8"))

    def digest(text: str | None) -> str:
        return b64decode(text or "").hex()

    cases = [
        {
            "leaf": digest(probe["leafHash"]), "index": probe["leafIdx"], "size": probe["treeSize"],
            "path": [digest(node) for node in probe["proof"] or ()], "root": digest(probe["root"]),
        }
        for probe in probes["inclusion"] if probe["leafHash"]
    ]  # fmt: skip
    cases += [
        {
            "first": probe["size1"], "second": probe["size2"], "old": digest(probe["root1"]),
            "young": digest(probe["root2"]), "path": [digest(node) for node in probe["proof"] or ()],
        }
        for probe in probes["consistency"] if 0 < probe["size1"] < probe["size2"]
    ]  # fmt: skip
    wanted = [not probe["wantErr"] for probe in probes["inclusion"] if probe["leafHash"]]
    wanted += [not probe["wantErr"] for probe in probes["consistency"] if 0 < probe["size1"] < probe["size2"]]
    assert len(cases) > 100
    assert saved.evaluate(ASK, cases) == wanted


def test_a_tree_larger_than_any_number_here_is_exact_about_is_refused(saved):
    huge = {"leaf": "00" * 32, "index": 0, "path": ["00" * 32] * 60, "root": "00" * 32}
    sizes = [2**53, 2**53 - 1, 2**60]
    assert saved.evaluate(ASK, [{**huge, "size": size} for size in sizes]) == [False] * 3


def test_the_definition_here_is_the_rfcs():
    """Roots that implementations of certificate transparency share, over 1 and 8 leaves."""
    words = (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
    leaves = [bytes.fromhex(word) for word in words]
    assert mth(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert mth(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert [len(path(at, leaves)) for at in range(8)] == [3] * 8
