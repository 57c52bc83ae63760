"""An inclusion proof walked once more, node by node (RFC 6962 section 2.1.1)."""

from collections.abc import Sequence

from verifier.transparency.merkle import hash_node
from web.public.drawing import ProofNode, ProofPath


def walk(
    leaf_index: int, tree_size: int, leaf_hash: bytes, audit_path: Sequence[bytes], root_hash: bytes
) -> ProofPath:
    """Recompute every node from the leaf to the root; ``agrees`` says whether the end is ``root_hash``.

    A path of the wrong length, or an index outside the tree, does not agree.
    """
    number, last, level, value = leaf_index, tree_size - 1, 0, leaf_hash
    nodes: list[ProofNode] = []
    for sibling in audit_path:
        if last <= 0:
            break
        is_left = number % 2 == 1 or number == last
        while is_left and number % 2 == 0:  # a node without a sibling at this level moves up as it is
            number, last, level = number // 2, last // 2, level + 1
        beside = number - 1 if is_left else number + 1
        value = hash_node(sibling, value) if is_left else hash_node(value, sibling)
        nodes.append(
            ProofNode(
                "left" if is_left else "right",
                sibling,
                *_covers(beside, level, tree_size),
                value,
                *_covers(number // 2, level + 1, tree_size),
                level + 1,
            )
        )
        number, last, level = number // 2, last // 2, level + 1
    complete = last == 0 and len(nodes) == len(audit_path) and 0 <= leaf_index < tree_size
    agrees = complete and value == root_hash
    return ProofPath(leaf_index, leaf_hash, tree_size, root_hash, tuple(nodes), agrees)


def _covers(number: int, level: int, size: int) -> tuple[int, int]:
    return number << level, min((number + 1) << level, size) - 1
