"""Inclusion: answers by prefix and paths to draw, checked against a naive tree from RFC 6962's own text."""

import base64
from hashlib import sha256
from threading import Event

import pytest

from monitor.errors import NoVerifiedHead, PrefixError, UnknownLog
from verifier.algorithms import KeyAlgorithm
from verifier.transparency.tree_head import SignedTreeHead


def mth(leaves):
    """Merkle Tree Hash, RFC 6962 section 2.1, over leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def naive_path(m, leaves):
    """PATH(m, D[n]), RFC 6962 section 2.1.1."""
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), mth(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), mth(leaves[:k])]


@pytest.fixture(params=[1, 2, 3, 255, 256, 257, 700])
def filled(request, monitor, make_log, ca):
    log = make_log("filled", KeyAlgorithm.SM2)
    der = ca.precertificate("filled.example.test")
    for number in range(request.param):
        log.add_precertificate(der, ca, timestamp=log.now() + number)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    return log


def decoded(value):
    return base64.b64decode(value, validate=True)


def test_every_answer_proves_its_leaf(monitor, filled):
    hashes = filled.hashes()
    for prefix in ("", "0", "a", "f3") if len(hashes) < 1000 else ("0",):
        answer = monitor.answer_inclusion("filled", prefix)
        head = answer["tree_head"]
        signed = SignedTreeHead(
            head["tree_size"],
            head["timestamp"],
            decoded(head["sha256_root_hash"]),
            decoded(head["tree_head_signature"]),
        )
        signed.verify(filled.key.public_key)
        assert decoded(answer["log_id"]) == filled.key.public_key.key_id
        assert signed.root_hash == mth(hashes)
        wanted = sorted(leaf for leaf in hashes if leaf.hex().startswith(prefix))
        assert [decoded(leaf["leaf_hash"]) for leaf in answer["leaves"]] == wanted
        for leaf in answer["leaves"]:
            index = leaf["leaf_index"]
            assert hashes[index] == decoded(leaf["leaf_hash"])
            assert [decoded(node) for node in leaf["audit_path"]] == naive_path(index, hashes)


def test_the_drawn_path_ends_at_the_root(monitor, filled):
    hashes = filled.hashes()
    for index in {0, len(hashes) // 2, len(hashes) - 1}:
        path = monitor.inclusion("filled", index)
        assert list(path.audit_path) == naive_path(index, hashes)
        node = path.leaf_hash
        for step in path.steps:
            pair = step.sibling + node if step.side == "left" else node + step.sibling
            node = sha256(b"\x01" + pair).digest()
            assert step.computed == node
        assert node == path.head.root_hash == mth(hashes)
    assert monitor.inclusion("filled", len(hashes)) is None


def test_proofs_stay_at_the_last_verified_head(monitor, log, ca):
    log.add_precertificate(ca.precertificate("one.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    log.add_precertificate(ca.precertificate("two.example.test"), ca)
    log.entries.append((b"x", b""))
    log.hooks["get-sth-consistency"] = lambda handler, _query: handler.send_error(500)
    monitor.audit_now()
    answer = monitor.answer_inclusion("made", "")
    assert answer["tree_head"]["tree_size"] == 1
    assert len(answer["leaves"]) == 1


def test_questions_that_have_no_answer(monitor, log):
    with pytest.raises(UnknownLog):
        monitor.answer_inclusion("nobody", "")
    monitor.watch_log(log.watched())
    with pytest.raises(NoVerifiedHead):
        monitor.answer_inclusion("made", "")
    monitor.audit_now()
    assert monitor.answer_inclusion("made", "")["leaves"] == []
    for prefix in ("g", "0x", "0" * 65, "-", " "):
        with pytest.raises(PrefixError) as caught:
            monitor.answer_inclusion("made", prefix)
        assert caught.value.tree_size == 0


def test_a_prefix_that_matches_too_much_names_the_trees_size(monitor, log, ca):
    der = ca.precertificate("much.example.test")
    for number in range(1001):
        log.add_precertificate(der, ca, timestamp=log.now() + number)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    with pytest.raises(PrefixError) as caught:
        monitor.answer_inclusion("made", "")
    assert caught.value.tree_size == 1001
    head = caught.value.tree_head  # signed, so that a client need not believe the size
    signed = SignedTreeHead(
        head["tree_size"],
        head["timestamp"],
        decoded(head["sha256_root_hash"]),
        decoded(head["tree_head_signature"]),
    )
    signed.verify(log.key.public_key)
    assert signed.tree_size == 1001
    assert 30 < len(monitor.answer_inclusion("made", "7")["leaves"]) < 110


def test_a_log_is_found_by_its_id_too(monitor, log, ca):
    log.add_precertificate(ca.precertificate("id.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    by_id = monitor.answer_inclusion(log.key.public_key.key_id.hex(), "")
    assert by_id == monitor.answer_inclusion("made", "")


def test_an_entry_read_but_not_yet_verified_has_no_proof(monitor, log, ca):
    der = ca.precertificate("early.example.test")
    log.add_precertificate(der, ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    for number in range(100):
        log.add_precertificate(der, ca, timestamp=log.now() + number)
    log.limit = 10
    stop = Event()
    monitor.audit_now(stop=stop, progress=lambda line: stop.set() if "entries" in line else None)
    state = monitor.log("made")
    assert state.head.tree_size == 1 < state.followed < 101
    assert monitor.inclusion("made", 0) is not None
    assert monitor.inclusion("made", 3) is None
    assert len(monitor.answer_inclusion("made", "")["leaves"]) == 1
