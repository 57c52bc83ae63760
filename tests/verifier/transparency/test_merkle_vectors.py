"""The Merkle tree against other people's vectors: RFC 6962's hashes, and transparency-dev's proofs."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from verifier.errors import InvalidProof
from verifier.transparency import merkle

PROBES = json.loads((Path(__file__).parent / "data" / "merkle_vectors.json").read_text())

# The eight leaves, and the roots over the first of them, that the tests of CT implementations share.
LEAVES = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243")] + [
    bytes.fromhex("5051525354555657"),
    bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_hashes_are_those_of_the_rfc():
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root_of([]) == merkle.EMPTY_ROOT
    assert merkle.hash_leaf(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.hash_leaf(b"L123456").hex() == (
        "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    )
    assert merkle.hash_node(b"N123", b"N456").hex() == (
        "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_the_well_known_roots(size: int):
    hashes = [merkle.hash_leaf(leaf) for leaf in LEAVES[:size]]
    assert merkle.root_of(hashes).hex() == ROOTS[size - 1]


def test_a_leaf_and_a_node_of_the_same_bytes_have_different_hashes():
    left, right = sha256(b"left").digest(), sha256(b"right").digest()
    assert merkle.hash_leaf(left + right) != merkle.hash_node(left, right)
    assert merkle.hash_node(left, right) != merkle.hash_node(right, left)


@pytest.mark.parametrize("probe", PROBES["inclusion"], ids=lambda probe: probe["name"])
def test_inclusion_probe(probe: dict[str, Any]):
    proof = [b64decode(node) for node in probe["proof"] or ()]
    leaf, root = b64decode(probe["leafHash"] or ""), b64decode(probe["root"] or "")
    check(probe, lambda: merkle.verify_inclusion(leaf, probe["leafIdx"], probe["treeSize"], proof, root))


@pytest.mark.parametrize("probe", PROBES["consistency"], ids=lambda probe: probe["name"])
def test_consistency_probe(probe: dict[str, Any]):
    proof = [b64decode(node) for node in probe["proof"] or ()]
    roots = b64decode(probe["root1"] or ""), b64decode(probe["root2"] or "")
    if {len(root) for root in roots} != {32}:
        probe = {
            **probe,
            "wantErr": True,
        }  # some roots are words, which equal sizes let the other code ignore
    check(probe, lambda: merkle.verify_consistency(probe["size1"], probe["size2"], *roots, proof))


def check(probe: dict[str, Any], verify: Any):
    if probe["wantErr"]:
        with pytest.raises(InvalidProof):
            verify()
    else:
        verify()
