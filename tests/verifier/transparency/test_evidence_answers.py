"""Evidence of answers as they were recorded, and of cosignatures: every step of every offence decides."""

import gzip
import hashlib
import json

import pytest

from tests.monitor.witness.notes import NoteWitness
from tests.verifier.transparency.accusing import (
    KEY,
    LEAVES,
    NOW_MS,
    assert_shows,
    b64,
    encoded,
    examined,
    head,
)
from verifier.transparency.checkpoint import tree_head_to_checkpoint
from verifier.transparency.evidence import Result
from verifier.transparency.merkle import hash_leaf, inclusion_proof, root_of
from verifier.transparency.tree_head import sign_tree_head

URL = "https://log.example/ct/v1/get-sth"
OBSERVED = Result.OBSERVED


def test_too_many_bytes():
    material = {"url": URL, "limit": 100, "received": 101}
    assert_shows("response-oversized", material, OBSERVED, as_many_as_allowed={"received": 100})


def test_a_bomb():
    material = {"url": URL, "limit": 1000, "body": b64(gzip.compress(bytes(1001)))}
    assert_shows(
        "response-bomb", material, OBSERVED,
        as_much_as_allowed={"body": b64(gzip.compress(bytes(1000)))},
    )  # fmt: skip
    assert examined("response-bomb", material | {"body": b64(b"no gzip")}).result is Result.NOT_SHOWN
    beginning = gzip.compress(bytes(10_000_000), 1)[:2000]
    assert (
        examined("response-bomb", material | {"body": b64(beginning), "limit": 9_000_000}).result is OBSERVED
    )


def test_time():
    material = {"url": URL, "received": 0, "milliseconds": 1000, "allowed": 1000}
    assert_shows("response-timeout", material, OBSERVED, in_time={"milliseconds": 999})
    dripped = material | {"received": 7}
    assert_shows(
        "response-drip", dripped, OBSERVED, in_time={"milliseconds": 999}, nothing_came={"received": 0}
    )


def test_redirects():
    material = {"url": URL, "hops": [URL] * 4, "limit": 3}
    assert_shows("redirect-endless", material, OBSERVED, as_many_as_are_followed={"hops": [URL] * 3})


@pytest.mark.parametrize("code", ["redirect-refused", "redirect-private", "redirect-scheme"])
@pytest.mark.parametrize(
    "target", ["https://else.example/", "http://log.example/", "https://log.example:8443/", "//x/"]
)
def test_a_redirect_elsewhere(code, target):
    here = {"hops": ["https://LOG.example/else"]}
    assert_shows(
        code, {"url": URL, "hops": [target], "limit": 3}, OBSERVED, home=here, relative={"hops": ["/x"]}
    )


GOOD = {
    "get-sth": json.dumps({
        "tree_size": 0,
        "timestamp": 1,
        "sha256_root_hash": b64(hashlib.sha256().digest()),
        "tree_head_signature": "BAMAAA==",
    }).encode(),
    "get-sth-consistency": b'{"consistency": []}',
    "get-entries": b'{"entries": []}',
    "get-proof-by-hash": b'{"leaf_index": 0, "audit_path": []}',
    "get-roots": b'{"certificates": []}',
    "checkpoint": tree_head_to_checkpoint(
        sign_tree_head(0, 1, hashlib.sha256().digest(), KEY), "log.example", KEY.public_key.key_id
    ).encode(),
}


@pytest.mark.parametrize("kind", GOOD)
def test_an_answer_that_cannot_be_read(kind):
    material = {"url": URL, "kind": kind, "body": b64(b"<html>")}
    assert_shows("response-malformed", material, OBSERVED, well_formed={"body": b64(GOOD[kind])})
    assert examined("response-malformed", material | {"truncated": "99999 bytes"}).result is OBSERVED


@pytest.mark.parametrize("more", [{}, {"truncated": "99999 bytes"}])
def test_an_answer_to_nothing_known_is_no_evidence(more):
    material = {"url": URL, "kind": "get-weather", "body": b64(b"<html>"), **more}
    assert examined("response-malformed", material).result is Result.NOT_SHOWN


def test_a_number_of_entries():
    for received in (0, 6):
        material = {"url": URL, "asked": 5, "received": received}
        assert_shows("entry-count-wrong", material, OBSERVED, fewer={"received": 1}, all={"received": 5})


def test_a_short_tile():
    material = {"path": "tile/0/000.p/3", "body": b64(bytes(95))}
    assert_shows("tile-short", material, OBSERVED, whole={"body": b64(bytes(96))})


@pytest.mark.parametrize("level", [0, 1])
def test_a_wrong_tile(level):
    leaves = LEAVES if not level else [hash_leaf(number.to_bytes(2)) for number in range(513)]
    right = leaves if not level else [root_of(leaves[:256]), root_of(leaves[256:512])]
    served = [right[0], bytes(32), *right[2:]]
    path = inclusion_proof(leaves, 256 * level + 1 - level)[8 * level :]
    material = {
        "tree_head": head(len(leaves), root=root_of(leaves)),
        "path": f"tile/{level}/000.p/{len(right)}",
        "body": b64(b"".join(served)),
        "hashes": b64(b"".join(right)),
        "audit_path": encoded(path),
    }
    if level:
        path = inclusion_proof(leaves, 256)[8:]
        material["audit_path"] = encoded(path)
    assert_shows(
        "tile-wrong", material, OBSERVED,
        hashes_that_lead_elsewhere={"hashes": b64(b"".join([right[0], bytes(31) + b"x", *right[2:]]))},
        a_path_that_leads_elsewhere={"audit_path": encoded([bytes(32)] * len(path))},
        a_path_of_another_length={"audit_path": encoded(path[:-1])},
    )  # fmt: skip
    assert examined("tile-wrong", material | {"body": material["hashes"]}).result is Result.NOT_SHOWN


def test_a_data_tile_that_is_none():
    material = {"path": "tile/data/000.p/1", "body": b64(b"\x00")}
    assert examined("data-tile-wrong", material).result is OBSERVED
    whole = bytes(8) + b"\x00\x00" + b"\x00\x00\x01x" + b"\x00\x00" + b"\x00\x00"
    assert_shows("data-tile-wrong", material, OBSERVED, well_formed={"body": b64(whole)})


def test_issuers():
    der = b"a certificate"
    fingerprint = b64(hashlib.sha256(der).digest())
    assert_shows("issuer-missing", {"url": URL, "status": 404}, OBSERVED, served={"status": 200})
    material = {"url": URL, "fingerprint": fingerprint, "body": b64(b"another")}
    assert_shows("issuer-wrong", material, OBSERVED, the_right_one={"body": b64(der)})


# cosignatures


def test_too_few_witnesses():
    one, two = NoteWitness("w.example/1"), NoteWitness("w.example/2")

    def note(size, *cosigners):
        signed = sign_tree_head(size, NOW_MS, root_of(LEAVES[:size]), KEY)
        text = tree_head_to_checkpoint(signed, "logs.example/made", KEY.public_key.key_id).encode().decode()
        return text + "".join(cosigner.line(text, NOW_MS // 1000) for cosigner in cosigners)

    def seen(*sizes):
        return [{"vkey": one.vkey, "tree_size": size} for one, size in zip((one, two), sizes, strict=True)]

    material = {
        "required": 2,
        "owed": {"tree_size": 5, "timestamp": NOW_MS},
        "checkpoint": note(9, one),
        "witnesses": seen(9, None),
    }
    assert_shows(
        "witnesses-too-few", material, OBSERVED,
        as_many_as_required={"required": 1},
        both_recorded={"witnesses": seen(9, 5)},
        both_in_the_checkpoint={"checkpoint": note(9, one, two)},
    )  # fmt: skip
    for checkpoint in ("", note(4, one, two), note(9, one, one)):
        assert examined("witnesses-too-few", material | {"checkpoint": checkpoint}).result is OBSERVED
    two.key = one.key  # what it signs is not of its key any more
    damaged = note(9, one, two)
    assert examined("witnesses-too-few", material | {"checkpoint": damaged}).result is OBSERVED
