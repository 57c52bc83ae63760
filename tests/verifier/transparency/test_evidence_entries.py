"""Evidence of entries and promises: every step of every offence decides (RFC 6962 section 3)."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography import x509

from tests.monitor.conftest import TestCa
from tests.verifier.transparency.accusing import (
    KEY,
    NOW,
    NOW_MS,
    OTHER,
    assert_shows,
    b64,
    changed,
    encoded,
    examined,
    json_of,
)
from verifier.certificates import Certificate
from verifier.transparency.entries import (
    PrecertEntry,
    TimestampedEntry,
    X509Entry,
    entry_for_certificate,
    merkle_tree_leaf,
)
from verifier.transparency.evidence import Result
from verifier.transparency.merkle import CompactRange, consistency_proof, hash_leaf, inclusion_proof, root_of
from verifier.transparency.sct import sct_extensions
from verifier.transparency.tree_head import sign_tree_head
from verifier.transparency.verify import sign_sct

OBSERVED = Result.OBSERVED
CA, STRANGER = TestCa(), TestCa("Another CA")
HOUR = 3600
ISSUER = Certificate.parse(CA.der)


def leaf_of(der, age=2 * HOUR, extensions=b"", key_hash=None):
    """The leaf of a precertificate or certificate that is ``age`` seconds old."""
    certificate = Certificate.parse(der)
    entry = X509Entry(der)
    if certificate.is_precertificate:
        entry = PrecertEntry(key_hash or ISSUER.public_key.key_id, certificate.precertificate_tbs)
    return merkle_tree_leaf(entry, NOW_MS - age * 1000, extensions)


PRECERTIFICATES = [CA.precertificate(f"{number}.example.test") for number in range(6)]
ENTRIES = [leaf_of(der) for der in PRECERTIFICATES]


class Tree:
    """The signed tree of some entries."""

    def __init__(self, entries):
        self.leaves = [hash_leaf(entry) for entry in entries]

    def head(self, size=None, age=0, key=KEY):
        leaves = self.leaves[:size]
        return json_of(sign_tree_head(len(leaves), NOW_MS - age * 1000, root_of(leaves), key))

    def path(self, index):
        return encoded(inclusion_proof(self.leaves, index))

    def holds(self, index, entry):
        """What shows that the tree holds an entry."""
        return {
            "tree_head": self.head(),
            "leaf_index": index,
            "audit_path": self.path(index),
            "leaf_input": b64(entry),
        }


TREE = Tree(ENTRIES)
UNSIGNED = {"tree_head": TREE.head(key=OTHER)}
NO_PATH = {"audit_path": encoded([bytes(32)] * 3)}


# served otherwise than signed


def served(index, entry, place=None):
    """What is recorded of the first wrong entry; ``place`` is where the served one stands."""
    return {
        "tree_head": TREE.head(),
        "index": index,
        "prefix_root": b64(root_of(TREE.leaves[:index])),
        "consistency": encoded(consistency_proof(TREE.leaves, index, len(TREE.leaves))),
        "leaf_input": b64(entry),
        **({} if place is None else {"leaf_index": place, "audit_path": TREE.path(place)}),
    }


WRONG_BEGINNING = {"prefix_root": b64(bytes(32))}


def test_an_altered_entry():
    material = served(2, ENTRIES[2][:-1] + b"x") | {
        "leaf_hash": b64(TREE.leaves[2]),
        "audit_path": TREE.path(2),
    }
    assert_shows(
        "entry-altered", material, Result.OBSERVED,
        the_true_one={"leaf_input": b64(ENTRIES[2])},
        another_beginning=WRONG_BEGINNING,
        a_true_leaf_that_is_none={"leaf_hash": b64(bytes(32))},
        not_signed=UNSIGNED,
    )  # fmt: skip


def test_a_dropped_entry():
    following = {"leaf_hash": b64(TREE.leaves[4]), "leaf_index": 4, "audit_path": TREE.path(4)}
    in_place = {"leaf_hash": b64(TREE.leaves[3]), "leaf_index": 3, "audit_path": TREE.path(3)}
    assert_shows(
        "entry-dropped", served(2, ENTRIES[3], 3) | {"following": following}, Result.OBSERVED,
        in_its_place=served(2, ENTRIES[2], 2),
        from_further_on=served(2, ENTRIES[4], 4),
        what_follows_in_its_place={"following": in_place},
        what_follows_is_no_entry={"following": {**following, "leaf_hash": b64(bytes(32))}},
        another_beginning=WRONG_BEGINNING,
        no_path=NO_PATH,
    )  # fmt: skip


def test_entries_in_another_order():
    assert_shows(
        "entries-reordered", served(2, ENTRIES[5], 5), Result.OBSERVED,
        in_its_place=served(2, ENTRIES[2], 2),
        from_before=served(2, ENTRIES[1], 1),
        another_beginning=WRONG_BEGINNING,
        no_path=NO_PATH,
    )  # fmt: skip


def test_an_entry_served_twice():
    assert_shows(
        "entry-duplicated", served(2, ENTRIES[1], 1), Result.OBSERVED,
        in_its_place=served(2, ENTRIES[2], 2),
        from_further_on=served(2, ENTRIES[5], 5),
        another_beginning=WRONG_BEGINNING,
        no_path=NO_PATH,
    )  # fmt: skip


@pytest.mark.parametrize("start", [0, 3, 4])
def test_another_root(start):
    leaves = [*TREE.leaves[:5], bytes(32)]
    node = CompactRange()
    node.extend(leaves[:start])
    entries = {"start": start, "peaks": encoded(node.peaks), "leaf_hashes": encoded(leaves[start:])}
    material = {"tree_head": TREE.head(), "computed_root": b64(root_of(leaves)), "entries": entries}
    true = {**entries, "leaf_hashes": encoded(TREE.leaves[start:])}
    assert_shows(
        "root-mismatch", material, Result.OBSERVED,
        the_signed_one={"computed_root": b64(root_of(TREE.leaves)), "entries": true},
        leaves_of_another_root={"entries": true},
        not_signed=UNSIGNED,
    )  # fmt: skip


# what must not be logged


def test_an_entry_twice():
    twice = Tree([*ENTRIES, ENTRIES[1]])
    places = {
        name: {"leaf_index": index, "audit_path": twice.path(index)}
        for name, index in (("first", 1), ("second", 6))
    }
    material = {"tree_head": twice.head(), "leaf_hash": b64(twice.leaves[1]), **places}
    assert_shows(
        "entry-repeated", material, Result.PROVEN,
        one_place={"second": places["first"]},
        another_leaf={"second": {"leaf_index": 2, "audit_path": twice.path(2)}},
        not_signed={"tree_head": twice.head(key=OTHER)},
    )  # fmt: skip


def test_an_entry_dated_after_the_head():
    later = leaf_of(PRECERTIFICATES[0], age=-60)
    tree = Tree([*ENTRIES, later])
    assert_shows(
        "entry-after-head", tree.holds(6, later), Result.PROVEN,
        dated_before=tree.holds(0, ENTRIES[0]),
        dated_alike={"tree_head": tree.head(age=-60)},
        no_path=NO_PATH,
        not_signed={"tree_head": tree.head(key=OTHER)},
    )  # fmt: skip


def test_an_entry_merged_late():
    early = {"previous_tree_head": TREE.head(5, HOUR)}
    everything = {"leaf_hashes": b64(b"".join(TREE.leaves[:5]))}
    material = TREE.holds(5, ENTRIES[5]) | early | everything
    copy = Tree([*ENTRIES[:4], ENTRIES[5], ENTRIES[5]])
    assert_shows(
        "entry-merged-late", material, Result.PROVEN,
        not_due={"previous_tree_head": TREE.head(5, 2 * HOUR - 60)},
        it_reached_it={"previous_tree_head": TREE.head(6, HOUR)},
        not_signed={"previous_tree_head": TREE.head(5, HOUR, OTHER)},
        no_path=NO_PATH,
        leaves_of_another_tree={"leaf_hashes": b64(b"".join(TREE.leaves[1:6]))},
        a_second_copy=copy.holds(5, ENTRIES[5])
        | {"previous_tree_head": copy.head(5, HOUR), "leaf_hashes": b64(b"".join(copy.leaves[:5]))},
    )  # fmt: skip
    assert examined("entry-merged-late", changed(material, leaf_hashes=None)).result is Result.OBSERVED


@pytest.mark.parametrize(("place", "result"), [(6, Result.PROVEN), (5, Result.OBSERVED)])
def test_an_entry_that_names_its_place(place, result):
    late = leaf_of(PRECERTIFICATES[0], extensions=sct_extensions(place))
    tree = Tree([*ENTRIES, late])
    material = tree.holds(6, late) | {"previous_tree_head": TREE.head(6, HOUR)}
    assert examined("entry-merged-late", material).result is result
    held = changed(material, previous_tree_head=tree.head(7, HOUR))
    assert examined("entry-merged-late", held).result is Result.NOT_SHOWN


def test_an_entry_elsewhere_than_it_says():
    wrong, right = (leaf_of(PRECERTIFICATES[0], extensions=sct_extensions(place)) for place in (5, 6))
    tree, other = Tree([*ENTRIES, wrong]), Tree([*ENTRIES, right])
    assert_shows(
        "entry-index-wrong", tree.holds(6, wrong), Result.PROVEN,
        where_it_says=other.holds(6, right),
        no_place_named=TREE.holds(1, ENTRIES[1]),
        opaque_extensions=_opaque(),
        no_path=NO_PATH,
        not_signed={"tree_head": tree.head(key=OTHER)},
    )  # fmt: skip


def _opaque():
    """RFC 6962 lets a log put anything there."""
    leaf = leaf_of(PRECERTIFICATES[0], extensions=b"opaque")
    return Tree([*ENTRIES, leaf]).holds(6, leaf)


@pytest.mark.parametrize("final", [True, False])
def test_a_certificate_from_outside_the_shard(final):
    make = CA.issue if final else CA.precertificate
    der = make("late.example.test", not_after=NOW + timedelta(days=200))
    leaf = leaf_of(der)
    tree = Tree([*ENTRIES, leaf])
    interval = {
        "start_inclusive": NOW.isoformat(),
        "end_exclusive": (NOW + timedelta(days=180)).isoformat(),
    }
    material = tree.holds(6, leaf) | {"interval": interval, "certificate": b64(der)}
    longer = {**interval, "end_exclusive": (NOW + timedelta(days=201)).isoformat()}
    innocent = {"inside": {"interval": longer}, "no_path": NO_PATH}
    if not final:
        innocent["another_certificate"] = {"certificate": b64(PRECERTIFICATES[0])}
    assert_shows("entry-outside-shard", material, Result.PROVEN, **innocent)
    at_the_end = {**interval, "end_exclusive": Certificate.parse(der).not_after.isoformat()}
    assert examined("entry-outside-shard", changed(material, interval=at_the_end)).result is Result.PROVEN


def test_another_issuers_key():
    leaf = leaf_of(PRECERTIFICATES[0], key_hash=bytes(32))
    tree = Tree([*ENTRIES, leaf])
    material = tree.holds(6, leaf) | {"certificate": b64(PRECERTIFICATES[0]), "issuer": b64(CA.der)}
    assert_shows(
        "issuer-key-hash-wrong", material, Result.PROVEN,
        the_right_one=TREE.holds(0, ENTRIES[0]),
        an_issuer_that_did_not_sign={"issuer": b64(STRANGER.der)},
        another_certificate={"certificate": b64(PRECERTIFICATES[1])},
        no_path=NO_PATH,
    )  # fmt: skip


@pytest.fixture(scope="module")
def signer():
    """A certificate that only signs precertificates (RFC 6962 section 3.1), and a precertificate of it."""
    made = TestCa("A signer of precertificates")
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.4")])
    builder = CA._builder(made.name, made.key.public_key(), NOW + timedelta(days=900))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made.signing = CA.sign(builder.add_extension(usage, critical=False))
    made.plain = CA.sign(builder)
    made.der = made.precertificate("signed.example.test")
    return made


def test_a_signer_of_precertificates_is_not_the_issuer(signer):
    """The key to be named is that of the issuer above it."""
    right, wrong = leaf_of(signer.der), leaf_of(signer.der, key_hash=bytes(32))
    tree, honest = Tree([*ENTRIES, wrong]), Tree([*ENTRIES, right])
    both = {"certificate": b64(signer.der), "signer": b64(signer.signing), "issuer": b64(CA.der)}
    assert_shows(
        "issuer-key-hash-wrong", tree.holds(6, wrong) | both, Result.OBSERVED,
        the_right_one=honest.holds(6, right),
        an_issuer_that_did_not_sign_the_signer={"issuer": b64(STRANGER.der)},
        a_signer_that_is_an_issuer={"signer": b64(signer.plain)},
        a_certificate_of_another={"certificate": b64(PRECERTIFICATES[0])},
    )  # fmt: skip
    framed = honest.holds(6, right) | {"certificate": b64(signer.der), "issuer": b64(signer.signing)}
    assert examined("issuer-key-hash-wrong", framed).result is Result.NOT_SHOWN


def test_another_precertificate():
    material = TREE.holds(0, ENTRIES[0]) | {"certificate": b64(PRECERTIFICATES[1])}
    final = leaf_of(CA.issue("final.example.test"))
    tree = Tree([*ENTRIES, final])
    assert_shows(
        "precertificate-differs", material, Result.OBSERVED,
        the_right_one={"certificate": b64(PRECERTIFICATES[0])},
        beside_a_certificate=tree.holds(6, final),
        no_path=NO_PATH,
    )  # fmt: skip


def test_an_unknown_root():
    der = STRANGER.precertificate("a.example.test")
    leaf = leaf_of(der)
    tree = Tree([*ENTRIES, leaf])
    material = tree.holds(6, leaf) | {
        "certificate": b64(der), "chain": [b64(STRANGER.der)], "roots": [b64(ISSUER.fingerprint)],
    }  # fmt: skip
    assert_shows(
        "entry-root-unknown", material, Result.OBSERVED,
        a_root_of_the_log={"roots": [b64(Certificate.parse(STRANGER.der).fingerprint)]},
        no_chain={"chain": []},
        another_certificate={"certificate": b64(PRECERTIFICATES[0])},
        no_path=NO_PATH,
    )  # fmt: skip


def test_a_final_certificate_that_was_not_announced():
    builder = CA.builder("a.example.test")
    announced, same = CA.poisoned(builder), CA.sign(builder)
    another = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    material = {
        "certificate": b64(CA.sign(another)), "precertificate": b64(announced), "issuer": b64(CA.der),
    }  # fmt: skip
    forged, forged_first = STRANGER.sign(another), STRANGER.poisoned(builder)
    assert_shows(
        "final-certificate-differs", material, Result.PROVEN,
        the_announced={"certificate": b64(same)},
        of_another_serial={"certificate": b64(CA.issue("b.example.test"))},
        signed_by_another={"certificate": b64(forged)},
        announced_by_another={"precertificate": b64(forged_first)},
        two_finals={"precertificate": b64(same)},
        two_precertificates={"certificate": b64(announced)},
    )  # fmt: skip


# promises


BUILDER = CA.builder("promised.example.test")


def promised(*, index=None, age=HOUR, key=KEY, builder=BUILDER):
    """An SCT in a certificate, and the entry that it promises."""
    entry = entry_for_certificate(Certificate.parse(CA.poisoned(builder)), ISSUER)
    extensions = b"" if index is None else sct_extensions(index)
    sct = sign_sct(entry, NOW_MS - age * 1000, extensions, key)
    final = CA.issue_with_scts(builder, [sct])
    material = {
        "sct": b64(sct.encode()),
        "certificate": b64(final),
        "issuer": b64(CA.der),
        "kind": "embedded",
    }
    return material, TimestampedEntry(sct.timestamp, entry, sct.extensions).merkle_tree_leaf()


def place_of(tree, index):
    return {"leaf_hash": b64(tree.leaves[index]), "audit_path": tree.path(index)}


def test_a_promise_that_was_not_merged():
    material, leaf = promised()
    merged = Tree([*ENTRIES, leaf])
    everything = {"leaf_hashes": b64(b"".join(TREE.leaves))}
    unsigned, _ = promised(key=OTHER)
    assert_shows(
        "sct-not-merged", {"tree_head": TREE.head()} | material | everything, Result.PROVEN,
        not_due={"tree_head": TREE.head(age=HOUR - 60)},
        an_sct_of_another=unsigned,
        of_another_certificate={"certificate": b64(CA.issue("x.example.test"))},
        merged={"tree_head": merged.head(), "leaf_hashes": b64(b"".join(merged.leaves))},
        leaves_of_another_tree={"leaf_hashes": b64(b"".join(TREE.leaves[:5]))},
        not_signed=UNSIGNED,
    )  # fmt: skip


def test_what_the_log_answered_when_it_was_asked():
    material, leaf = promised()
    shown = {"tree_head": TREE.head()} | material
    promised_leaf, other = quote(b64(hash_leaf(leaf)), safe=""), quote(b64(bytes(32)), safe="")
    url = "https://log.example/ct/v1/get-proof-by-hash?hash={}&tree_size={}"
    merged = Tree([*ENTRIES, leaf])
    proof = {"status": 200, "leaf_index": 6, "audit_path": merged.path(6)}
    assert_shows(
        "sct-not-merged", shown | {"by_hash": {"url": url.format(promised_leaf, 6), "status": 404}}, OBSERVED,
        another_leaf={"by_hash": {"url": url.format(other, 6), "status": 404}},
        another_tree={"by_hash": {"url": url.format(promised_leaf, 7), "status": 404}},
        a_proof={
            "tree_head": merged.head(), "by_hash": {"url": url.format(promised_leaf, 7)} | proof,
        },
    )  # fmt: skip
    no_proof = {"url": url.format(promised_leaf, 6)} | proof
    assert examined("sct-not-merged", shown | {"by_hash": no_proof}).result is OBSERVED


def test_a_promise_that_names_its_place():
    material, leaf = promised(index=2)
    tree = Tree([*ENTRIES[:2], leaf, *ENTRIES[2:]])
    shown = {"tree_head": TREE.head(), "at_index": place_of(TREE, 2)} | material
    assert_shows(
        "sct-not-merged", shown, Result.PROVEN,
        merged={"tree_head": tree.head(), "at_index": place_of(tree, 2)},
        a_leaf_of_another_place={"at_index": place_of(TREE, 3)},
        not_due={"tree_head": TREE.head(age=HOUR - 60)},
    )  # fmt: skip
    beyond, _ = promised(index=6)
    material = {"tree_head": TREE.head()} | beyond
    assert_shows("sct-not-merged", material, Result.PROVEN, not_due={"tree_head": TREE.head(age=HOUR - 60)})
    within, _ = promised(index=5)
    assert examined("sct-not-merged", {"tree_head": TREE.head()} | within).result is Result.OBSERVED


@pytest.mark.parametrize("index", [None, 6])
def test_a_promise_that_was_merged_late(index):
    material, leaf = promised(index=index, age=2 * HOUR)
    tree = Tree([*ENTRIES, leaf])
    shown = tree.holds(6, leaf) | {"previous_tree_head": TREE.head(6, HOUR)} | material
    shown |= {"leaf_hashes": b64(b"".join(TREE.leaves))}
    assert_shows(
        "sct-merged-late", shown, Result.PROVEN,
        not_due={"previous_tree_head": TREE.head(6, 2 * HOUR - 60)},
        it_reached_it={"previous_tree_head": tree.head(7, HOUR)},
        no_path=NO_PATH,
        not_signed={"previous_tree_head": TREE.head(6, HOUR, OTHER)},
        an_sct_of_another=promised(index=index, age=2 * HOUR, key=OTHER)[0],
    )  # fmt: skip


def test_an_entry_in_another_place_than_promised():
    material, leaf = promised(index=1)
    tree = Tree([*ENTRIES, leaf])
    shown = tree.holds(6, leaf) | {"at_index": place_of(tree, 1)} | material
    right, other = promised(index=6)
    without, third = promised()
    assert_shows(
        "sct-index-wrong", shown, Result.PROVEN,
        in_its_place=Tree([*ENTRIES, other]).holds(6, other) | right,
        in_its_place_and_nothing_said_of_another=Tree([*ENTRIES, other]).holds(6, other)
        | right
        | {"at_index": None},
        no_place_named=Tree([*ENTRIES, third]).holds(6, third) | without,
        no_path=NO_PATH,
        a_leaf_of_another_place={"at_index": place_of(tree, 2)},
    )  # fmt: skip


def test_an_sct_that_the_log_did_not_sign():
    right, _ = promised()
    entry = entry_for_certificate(Certificate.parse(CA.poisoned(BUILDER)), ISSUER)
    forged = sign_sct(entry, NOW_MS - 60_000, b"", OTHER)
    theirs = b64(CA.issue_with_scts(BUILDER, [forged]))
    in_its_name = replace(forged, log_id=KEY.public_key.key_id)
    final = b64(CA.issue_with_scts(BUILDER, [in_its_name]))
    material = {"sct": b64(in_its_name.encode()), "certificate": final, "issuer": b64(CA.der)}
    assert_shows(
        "sct-signature-invalid", material, Result.PROVEN,
        signed_by_the_log=right,
        in_another_name={"sct": b64(forged.encode()), "certificate": theirs},
        not_in_the_certificate={"certificate": right["certificate"]},
    )  # fmt: skip
    found = examined("sct-signature-invalid", changed(material, issuer=b64(STRANGER.der)))
    assert found.result is Result.NOT_SHOWN  # nobody's certificate accuses nobody
