"""What the tests of evidence are made of: a log's key, its heads, and files that accuse it.

Each test takes a file that shows an offence and makes it innocent in one respect: it must show nothing then.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.evidence import AccusedLog, Evidence, Examination, Result, examine
from verifier.transparency.merkle import hash_leaf, root_of
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head

NOW = datetime.now(UTC).replace(microsecond=0)
NOW_MS = int(NOW.timestamp() * 1000)
KEY = PrivateKey.generate(KeyAlgorithm.ECDSA)
OTHER = PrivateKey.generate(KeyAlgorithm.ECDSA)
MMD = timedelta(minutes=1)
LOG = AccusedLog("made", KEY.public_key, mmd=MMD, origin="logs.example/made")
LEAVES = [hash_leaf(bytes([number])) for number in range(9)]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def encoded(nodes: Any) -> list[str]:
    return [b64(node) for node in nodes]


def json_of(head: SignedTreeHead) -> dict[str, Any]:
    """A head as get-sth writes it."""
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": b64(head.root_hash),
        "tree_head_signature": b64(head.signature),
    }


def head(size: int, age: float = 0, root: bytes | None = None, key: PrivateKey = KEY) -> dict[str, Any]:
    """A signed head of ``age`` seconds ago, of the first leaves or another root."""
    root = root_of(LEAVES[:size]) if root is None else root
    return json_of(sign_tree_head(size, NOW_MS - int(age * 1000), root, key))


def at(seconds: float) -> str:
    """The moment ``seconds`` ago, as evidence writes it."""
    return (NOW - timedelta(seconds=seconds)).isoformat()


def examined(code: str, material: Mapping[str, Any]) -> Examination:
    """The examination of a file, from its bytes."""
    data = Evidence(code, LOG, NOW, "", "", material).encode()
    return examine(Evidence.parse(data), NOW)


def changed(material: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The material with some fields replaced; those that become None are left out."""
    return {name: value for name, value in {**material, **changes}.items() if value is not None}


def assert_shows(
    code: str, material: Mapping[str, Any], result: Result, **innocent: Mapping[str, Any]
) -> None:
    """The file shows its offence; with the changes of each of ``innocent``, which names why, it does not."""
    shown = examined(code, material)
    assert shown.result is result, shown
    for why, changes in innocent.items():
        found = examined(code, changed(material, **changes))
        assert found.result is Result.NOT_SHOWN, (why, found)
        assert found.steps, why
        assert not found.steps[-1].holds, (why, found)
