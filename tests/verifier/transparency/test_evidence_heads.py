"""Evidence of tree heads: every step of every offence decides (RFC 6962 section 3.5)."""

import base64

import pytest

from tests.verifier.transparency.accusing import (
    KEY,
    LEAVES,
    NOW_MS,
    OTHER,
    assert_shows,
    at,
    b64,
    encoded,
    examined,
    head,
    json_of,
)
from verifier.transparency.checkpoint import Checkpoint, tree_head_to_checkpoint
from verifier.transparency.evidence import Result
from verifier.transparency.merkle import consistency_proof, root_of
from verifier.transparency.tree_head import sign_tree_head

ANOTHER = bytes(32)
UNSIGNED = head(5, key=OTHER)


@pytest.mark.parametrize("code", ["tree-forked", "split-view", "consistency-invalid"])
def test_two_heads_of_one_size(code):
    material = {"tree_head": head(5), "previous_tree_head": head(5, root=ANOTHER), "own_root": b64(ANOTHER)}
    assert_shows(
        code, material, Result.PROVEN,
        one_root={"previous_tree_head": head(5, 3)},
        the_first_not_signed={"tree_head": UNSIGNED},
        the_second_not_signed={"previous_tree_head": head(5, root=ANOTHER, key=OTHER)},
    )  # fmt: skip


@pytest.mark.parametrize("code", ["tree-forked", "split-view", "consistency-invalid"])
def test_two_heads_of_two_sizes(code):
    material = {
        "tree_head": head(9),
        "previous_tree_head": head(5, 60, ANOTHER),
        "own_root": b64(root_of(LEAVES[:5])),
        "consistency": encoded(consistency_proof(LEAVES, 5, 9)),
    }
    assert_shows(
        code, material, Result.PROVEN,
        the_one_history={"previous_tree_head": head(5, 60)},
        a_proof_of_another_root={"own_root": b64(bytes(31) + b"x")},
        a_proof_that_leads_nowhere={"consistency": encoded(consistency_proof(LEAVES, 4, 9))},
    )  # fmt: skip


def test_a_tree_that_was_shown_not_empty():
    """An empty tree has one root only (RFC 6962 section 2.1)."""
    material = {"tree_head": head(9), "previous_tree_head": head(0, 60, ANOTHER)}
    empty = base64.b64decode("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    assert_shows("tree-forked", material, Result.PROVEN, the_empty={"previous_tree_head": head(0, 60, empty)})


def test_a_smaller_tree_that_is_dated_later():
    material = {"tree_head": head(9, 60), "previous_tree_head": head(5)}
    assert_shows(
        "split-view", material, Result.PROVEN,
        dated_in_order={"tree_head": head(9), "previous_tree_head": head(5, 60)},
        not_signed={"previous_tree_head": UNSIGNED},
    )  # fmt: skip


def test_a_consistency_proof_that_proves_nothing():
    proof = consistency_proof(LEAVES, 5, 9)
    material = {
        "tree_head": head(9),
        "previous_tree_head": head(5, 60),
        "consistency": encoded([ANOTHER] * len(proof)),
    }
    assert_shows(
        "consistency-invalid", material, Result.OBSERVED,
        a_proof={"consistency": encoded(proof)},
        not_signed={"previous_tree_head": UNSIGNED},
    )  # fmt: skip
    assert_shows(
        "consistency-length", material | {"consistency": []}, Result.OBSERVED,
        of_the_right_length={"consistency": encoded([ANOTHER] * len(proof))},
        not_signed={"tree_head": head(9, key=OTHER)},
    )  # fmt: skip
    empty = {"tree_head": head(9), "previous_tree_head": head(0, 60), "consistency": []}
    assert_shows(
        "consistency-length", empty | {"consistency": encoded([ANOTHER])}, Result.OBSERVED, none=empty
    )


def test_a_tree_that_shrank():
    material = {"tree_head": head(5), "previous_tree_head": head(9, 60)}
    assert_shows(
        "tree-shrunk", material, Result.PROVEN,
        dated_before={"tree_head": head(5, 90)},
        dated_alike={"tree_head": head(5, 60)},
        of_the_same_size={"tree_head": head(9)},
        not_signed={"tree_head": UNSIGNED},
        the_first_not_signed={"previous_tree_head": head(9, 60, key=OTHER)},
    )  # fmt: skip


def test_growth_dated_backwards():
    material = {"tree_head": head(9, 60), "previous_tree_head": head(5)}
    assert_shows(
        "time-reversed", material, Result.PROVEN,
        dated_in_order={"tree_head": head(9)},
        dated_alike={"tree_head": head(9, 0), "previous_tree_head": head(5, 0)},
        an_older_head={"tree_head": head(5, 60), "previous_tree_head": head(9)},
        not_signed={"tree_head": head(9, 60, key=OTHER)},
    )  # fmt: skip


def test_a_head_that_the_log_did_not_sign():
    assert_shows(
        "head-signature-invalid", {"tree_head": UNSIGNED}, Result.OBSERVED, signed={"tree_head": head(5)}
    )


def test_a_signature_of_another_head():
    true, reused = head(5, 60), head(9, 60)
    reused["tree_head_signature"] = true["tree_head_signature"]
    assert_shows(
        "head-signature-reused", {"tree_head": reused, "signed_tree_head": true}, Result.OBSERVED,
        signed={"tree_head": true},
        its_own_signature={"tree_head": UNSIGNED},
        the_other_not_signed={"signed_tree_head": {**true, "timestamp": true["timestamp"] + 1}},
    )  # fmt: skip


def test_a_key_of_another_log():
    material = {"tree_head": UNSIGNED, "signing_key": b64(OTHER.public_key.spki)}
    assert_shows(
        "head-key-wrong", material, Result.OBSERVED,
        signed={"tree_head": head(5), "signing_key": b64(KEY.public_key.spki)},
        by_neither={"signing_key": b64(KEY.public_key.spki)},
    )  # fmt: skip


def checkpoint(origin="logs.example/made", key=KEY):
    signed = sign_tree_head(5, NOW_MS, root_of(LEAVES[:5]), key)
    return tree_head_to_checkpoint(signed, origin, key.public_key.key_id).encode()


def test_a_checkpoint_of_another_key_or_origin():
    material = {"checkpoint": b64(checkpoint(key=OTHER))}
    nameless = checkpoint(key=OTHER).replace(
        "\u2014 logs.example/made".encode(), "\u2014 logs.example/else".encode()
    )
    assert Checkpoint.parse(nameless).origin == "logs.example/made"
    assert_shows(
        "head-key-wrong", material, Result.OBSERVED,
        the_logs_key={"checkpoint": b64(checkpoint())},
        no_signature_in_its_name={"checkpoint": b64(nameless)},
    )  # fmt: skip
    other = {"checkpoint": b64(checkpoint("logs.example/other")), "origin": "logs.example/made"}
    assert_shows("origin-wrong", other, Result.OBSERVED, its_own={"origin": "logs.example/other"})


def test_another_algorithm():
    wrong = json_of(sign_tree_head(5, NOW_MS, root_of(LEAVES[:5]), KEY))
    signature = base64.b64decode(wrong["tree_head_signature"])
    wrong["tree_head_signature"] = b64(b"\x04\x01" + signature[2:])
    assert_shows(
        "head-algorithm-wrong", {"tree_head": wrong}, Result.OBSERVED, the_right_one={"tree_head": head(5)}
    )


def test_a_head_that_was_stale():
    material = {"tree_head": head(5, 3600), "checked_at": at(0)}
    assert_shows(
        "head-stale", material, Result.OBSERVED,
        within_the_merge_delay={"checked_at": at(3600 - 60)},
        within_the_clocks_tolerance={"checked_at": at(3600 - 60 - 299)},
        not_signed={"tree_head": head(5, 3600, key=OTHER)},
    )  # fmt: skip


def test_a_head_from_the_future():
    material = {"tree_head": head(5, -3600), "checked_at": at(0)}
    assert_shows(
        "head-from-future", material, Result.PROVEN,
        recorded_at_its_date={"checked_at": at(-3600)},
        within_the_clocks_tolerance={"checked_at": at(-3600 + 299)},
        not_signed={"tree_head": head(5, -3600, key=OTHER)},
    )  # fmt: skip
    past = {"tree_head": head(5, 60), "checked_at": at(3600)}
    assert examined("head-from-future", past).result is Result.OBSERVED  # on the recorder's word
