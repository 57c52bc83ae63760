"""Evidence files from hostile hands: nothing but the log's own signatures proves anything."""

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.errors import VerifierError
from verifier.transparency.evidence import AccusedLog, Evidence, Result, claim_of, examine
from verifier.transparency.evidence.verify import OFFENCES
from verifier.transparency.merkle import consistency_proof, hash_leaf, root_of
from verifier.transparency.tree_head import sign_tree_head

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MS = 1_790_000_000_000
LEAVES = [hash_leaf(bytes([number])) for number in range(9)]


def b64(data):
    return base64.b64encode(data).decode()


def head_json(head):
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": b64(head.root_hash),
        "tree_head_signature": b64(head.signature),
    }


@pytest.fixture(scope="module", params=[KeyAlgorithm.SM2, KeyAlgorithm.ECDSA, KeyAlgorithm.RSA])
def key(request):
    return PrivateKey.generate(request.param)


@pytest.fixture(scope="module")
def forked(key):
    """A log that signed nine entries, and five that are not their beginning."""
    return {
        "tree_head": head_json(sign_tree_head(9, MS + 1, root_of(LEAVES), key)),
        "previous_tree_head": head_json(sign_tree_head(5, MS, bytes(32), key)),
        "own_root": b64(root_of(LEAVES[:5])),
        "consistency": [b64(node) for node in consistency_proof(LEAVES, 5, 9)],
    }


def file(key, code, material):
    return Evidence(code, AccusedLog("made", key.public_key), NOW, "", "", material).encode()


def result(data, now=NOW):
    return examine(Evidence.parse(data), now).result


@pytest.mark.parametrize("code", ["tree-forked", "split-view", "consistency-invalid"])
def test_two_histories_are_proven(key, forked, code):
    found = examine(Evidence.parse(file(key, code, forked)), NOW)
    assert found.result is Result.PROVEN
    assert all(step.holds for step in found.steps)
    assert found.conclusion == f"PROVEN by signatures: {claim_of(code).format(log='made')}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("tree_head", "tree_size"), 8),
        (("tree_head", "timestamp"), MS),
        (("previous_tree_head", "sha256_root_hash"), b64(root_of(LEAVES[:5]))),
        (("previous_tree_head", "tree_head_signature"), b64(b"\x04\x03\x00\x01x")),
        (("own_root",), b64(bytes(32))),
        (("consistency",), []),
    ],
)
def test_what_was_changed_proves_nothing(key, forked, path, value):
    changed = copy.deepcopy(forked)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert result(file(key, "tree-forked", changed)) is Result.NOT_SHOWN


def test_an_honest_log_is_not_accused_by_any_code(key):
    """Two heads of one tree with everything that goes with them show no offence that is a proof."""
    honest = {
        "tree_head": head_json(sign_tree_head(9, MS + 1, root_of(LEAVES), key)),
        "previous_tree_head": head_json(sign_tree_head(5, MS, root_of(LEAVES[:5]), key)),
        "own_root": b64(root_of(LEAVES[:5])),
        "consistency": [b64(node) for node in consistency_proof(LEAVES, 5, 9)],
        "checked_at": NOW.isoformat(),
    }
    later = NOW + timedelta(days=1)
    for code in OFFENCES:
        assert result(file(key, code, honest), later) is not Result.PROVEN, code


def test_a_head_from_the_future_is_proven_until_its_date_has_come(key):
    head = sign_tree_head(1, int(NOW.timestamp() * 1000) + 3_600_000, LEAVES[0], key)
    data = file(key, "head-from-future", {"tree_head": head_json(head), "checked_at": NOW.isoformat()})
    assert result(data) is Result.PROVEN
    assert result(data, NOW + timedelta(days=1)) is Result.OBSERVED


def test_an_unknown_offence_is_not_proven(key, forked):
    found = examine(Evidence.parse(file(key, "made-up", forked)), NOW)
    assert found.result is Result.NOT_SHOWN
    assert "knows no way" in found.conclusion


FIELDS = [
    "tree_head", "previous_tree_head", "tree_size", "timestamp", "sha256_root_hash", "tree_head_signature",
    "own_root", "consistency", "leaf_input", "leaf_index", "audit_path", "certificate", "issuer", "sct",
    "body", "path", "url", "limit", "received", "hops", "entries", "start", "leaf_hashes", "computed_root",
    "kind", "checkpoint", "origin", "checked_at", "hashes", "interval", "roots", "chain", "first", "second",
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=60) | st.just(b64(bytes(32))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=20,
)
KEY = PrivateKey.generate(KeyAlgorithm.ECDSA)


@given(code=st.sampled_from(sorted(OFFENCES)), material=st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_material_at_all_gives_a_result_and_never_a_proof(code, material):
    assert result(file(KEY, code, material)) is not Result.PROVEN


@given(data=st.binary(max_size=300))
def test_any_bytes_at_all_are_refused(data):
    with pytest.raises(VerifierError):
        Evidence.parse(data)


@given(change=st.data())
def test_a_file_with_any_field_taken_out_is_refused_or_shows_nothing(change):
    material = {"tree_head": head_json(sign_tree_head(2, MS, bytes(32), KEY))}
    material["previous_tree_head"] = head_json(sign_tree_head(2, MS, bytes(31) + b"x", KEY))
    whole = json.loads(file(KEY, "tree-forked", material))
    assert result(json.dumps(whole).encode()) is Result.PROVEN
    place = change.draw(
        st.sampled_from([whole, whole["log"], whole["material"], whole["material"]["tree_head"]])
    )
    del place[change.draw(st.sampled_from(sorted(place)))]
    try:
        found = result(json.dumps(whole).encode())
    except VerifierError:
        return
    assert found is Result.NOT_SHOWN


def test_the_documentation_names_every_offence():
    text = (Path(__file__).parents[3] / "docs/evidence.md").read_text()
    for code, offence in OFFENCES.items():
        claim = offence.claim.format(log="the log")
        assert f"| `{code}` | {claim[0].upper()}{claim[1:]} |" in text, code
