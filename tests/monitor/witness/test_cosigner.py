"""What a witness cosigns and what it refuses, checked by code that shares nothing with it."""

import base64
import json
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from monitor.witness import Cosigner, KnownLogs, WitnessStore
from monitor.witness.errors import CannotCosign, NotConsistent, NotSigned, OtherSize, UnknownOrigin
from tests.monitor.witness.notes import NoteLog, b64, leaf, verified_time
from verifier.algorithms import KeyAlgorithm, PrivateKey, PublicKey
from verifier.errors import MalformedInput
from verifier.transparency.checkpoint import Checkpoint, tree_head_to_checkpoint
from verifier.transparency.log_key import LogKey
from verifier.transparency.merkle import consistency_proof, root_of
from verifier.transparency.raw_ed25519 import from_raw
from verifier.transparency.tree_head import sign_tree_head

DATA = Path(__file__).parents[2] / "verifier/transparency/data"
EXCHANGES, SUNLIGHT = DATA / "tlog" / "litewitness.json", DATA / "sunlight"
SIGSUM_LOG = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")

SUMDB_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_SIGNED = "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw="
SUMDB = f"""\
go.sum database tree
6476701
mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=

\u2014 sum.golang.org {SUMDB_SIGNED}
"""


def status(cosigner, body: bytes) -> int:
    try:
        cosigner.add_checkpoint(body)
    except MalformedInput:
        return 400
    except (NotSigned, UnknownOrigin, OtherSize, NotConsistent) as error:
        return {NotSigned: 403, UnknownOrigin: 404, OtherSize: 409, NotConsistent: 422}[type(error)]
    return 200


def test_a_tree_that_grows_is_cosigned_at_each_step(cosigner, made):
    before = int(time.time())
    for old, new in [(0, 1), (1, 3), (3, 3), (3, 4), (4, 7)]:
        line = cosigner.add_checkpoint(made.request(old, new))
        assert before <= verified_time(line, cosigner.witness.encode(), made.body(new)) <= time.time()
    (last,) = cosigner.cosigned()
    assert (last.origin, last.size) == (made.origin, 7)


def test_the_answers_of_another_witness_are_ours(make_cosigner):
    """The exchange of litewitness. Since then the specification has made an unknown log 404 and not 403; and
    the one with damaged base64 is malformed before anybody looks at its signature.
    """
    cosigner = make_cosigner(LogKey(SIGSUM_LOG, from_raw(SIGSUM_KEY)).encode())
    exchanges = json.loads(EXCHANGES.read_text("utf-8"))
    answers = [status(cosigner, exchange["request"].encode()) for exchange in exchanges]
    assert [exchange["status"] for exchange in exchanges] == [200, 403, 403, 422, 422, 200, 409, 200, 409]
    assert answers == [200, 400, 404, 422, 422, 200, 409, 200, 409]


def test_a_log_of_other_software_is_witnessed(make_cosigner):
    """Sunlight's signed tree of 300 entries, known by its log's key; another witness was there before."""
    listed = json.loads((SUNLIGHT / "rome.log.json").read_text())
    key = PublicKey.from_spki(base64.b64decode(listed["key"]))
    cosigner = make_cosigner(LogKey("rome2026h1.example.org", key).encode())
    note = (SUNLIGHT / "witnessed.checkpoint").read_bytes()
    line = cosigner.add_checkpoint(b"old 0\n\n" + note)
    body = note.decode().split("\n\n", maxsplit=1)[0] + "\n"
    verified_time(line, cosigner.witness.encode(), body)
    kept = cosigner.checkpoint(sha256(b"rome2026h1.example.org").hexdigest())
    assert kept == (SUNLIGHT / "rome.checkpoint").read_bytes() + line
    with pytest.raises(NotSigned):
        cosigner.add_checkpoint(b"old 300\n\n" + note.replace(b"\n300\n", b"\n301\n"))


def test_a_log_whose_key_has_another_name_than_its_origin(tmp_path):
    """Go's checksum database: a checkpoint of theirs. The name *should* be the origin."""
    key = LogKey.parse(SUMDB_VKEY, "go.sum database tree")
    store = WitnessStore(tmp_path / "witness.db")
    cosigner = Cosigner("w.example", PrivateKey.generate(KeyAlgorithm.ED25519), store, KnownLogs([key]))
    line = cosigner.add_checkpoint(b"old 0\n\n" + SUMDB.encode())
    verified_time(line, cosigner.witness.encode(), SUMDB.split("\n\n", maxsplit=1)[0] + "\n")
    kept = cosigner.checkpoint(sha256(b"go.sum database tree").hexdigest())
    assert kept == SUMDB.encode() + line
    for wrong, refused in {
        SUMDB.replace("go.sum", "other"): UnknownOrigin,
        SUMDB.replace("6476701", "6476702"): NotSigned,
        SUMDB.replace(" sum.golang.org", " go.example"): NotSigned,
    }.items():
        with pytest.raises(refused):
            cosigner.add_checkpoint(b"old 6476701\n\n" + wrong.encode())
    store.close()


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.SM2, KeyAlgorithm.ECDSA, KeyAlgorithm.RSA])
def test_rfc_6962_signatures_of_every_kind_of_log_are_taken(make_cosigner, algorithm):
    key = PrivateKey.generate(algorithm)
    cosigner = make_cosigner(LogKey("ct.example/log", key.public_key).encode())
    leaves = [leaf(b"%d" % number) for number in range(5)]
    for old, new in [(0, 2), (2, 5)]:
        head = sign_tree_head(new, 1_700_000_000_000, root_of(leaves[:new]), key)
        checkpoint = tree_head_to_checkpoint(head, "ct.example/log", key.public_key.key_id)
        proof = consistency_proof(leaves[:new], old, new) if old else []
        body = f"old {old}\n" + "".join(f"{b64(node)}\n" for node in proof) + "\n"
        line = cosigner.add_checkpoint(body.encode() + checkpoint.encode())
        verified_time(line, cosigner.witness.encode(), checkpoint.body)
    forged = sign_tree_head(5, 1_700_000_000_000, root_of(leaves), PrivateKey.generate(algorithm))
    other = tree_head_to_checkpoint(forged, "ct.example/log", key.public_key.key_id)
    with pytest.raises(NotSigned):
        cosigner.add_checkpoint(b"old 5\n\n" + other.encode())


def test_refusals_and_that_they_change_nothing(cosigner, made):
    cosigner.add_checkpoint(made.request(0, 3))
    fork = NoteLog(made.origin, made.key).grow(7, b"fork")
    stranger = NoteLog("log.example/two").grow(4)
    impostor = NoteLog(made.origin).grow(4)
    refused = [
        (404, stranger.request(0, 4)),
        (403, impostor.request(3, 4)),
        (403, made.request(3, 4, made.body(4) + "\n" + made.signature(made.body(5)))),  # of another note
        (403, made.request(3, 4, made.checkpoint(4) + made.signature(made.body(5)))),  # a good and a bad line
        (400, made.request(5, 4)),
        (409, made.request(2, 4)),
        (409, made.request(0, 4)),
        (409, made.request(4, 4)),
        (422, b"old 3\n\n" + made.checkpoint(4).encode()),
        (422, made.request(3, 4).replace(b"\n\n", f"\n{b64(bytes(32))}\n\n".encode(), 1)),
        (422, fork.request(3, 7)),
        (422, fork.request(3, 3)),  # the same size with another root
        (422, b"old 3\n" + fork.request(3, 7).partition(b"\n")[2]),
    ]
    assert [status(cosigner, body) for _, body in refused] == [expected for expected, _ in refused]
    assert [(last.size, last.root) for last in cosigner.cosigned()] == [
        (3, Checkpoint.parse(made.checkpoint(3).encode()).root_hash)
    ]
    assert status(cosigner, made.request(3, 7)) == 200


def test_the_first_checkpoint_takes_no_proof_and_the_empty_tree_has_one_root(cosigner, made):
    with_proof = made.request(0, 3).replace(b"\n\n", f"\n{b64(bytes(32))}\n\n".encode(), 1)
    assert status(cosigner, with_proof) == 422
    body = f"{made.origin}\n0\n{b64(bytes(32))}\n"
    assert status(cosigner, made.request(0, 0, f"{body}\n{made.signature(body)}")) == 422
    assert status(cosigner, made.request(0, 0)) == 200
    assert cosigner.cosigned()[0].root == sha256().digest()
    assert status(cosigner, made.request(0, 3)) == 200
    with pytest.raises(OtherSize) as other:
        cosigner.add_checkpoint(made.request(0, 4))
    assert other.value.size == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 0\n",
        b"old 0\n\n",
        b"\n\n",
        b"old\n\n{note}",
        b"old  0\n\n{note}",
        b"old 00\n\n{note}",
        b"old -1\n\n{note}",
        b"old +1\n\n{note}",
        b"old 9223372036854775808\n\n{note}",
        b"old \xd9\xa0\n\n{note}",
        b"Old 0\n\n{note}",
        b"old 0\r\n\n{note}",
        b"old 0\n{note}",
        b"old 0\nAAAA\n\n{note}",
        b"old 0\n" + b"A" * 43 + b"\n\n{note}",
        b"old 0\n" + (b64(bytes(32)) + "\n").encode() * 64 + b"\n{note}",
        b"old 0\n\n{note}more",
        b"old 0\n\n{note}" + b"x" * 200_000,
    ],
)
def test_malformed_requests(cosigner, made, body):
    assert status(cosigner, body.replace(b"{note}", made.checkpoint(1).encode())) == 400
    assert cosigner.cosigned() == ()


def test_signatures_of_strangers_are_ignored_and_not_kept(cosigner, made):
    stranger = NoteLog("log.example/two")
    whole = made.checkpoint(2) + stranger.signature(made.body(2))
    line = cosigner.add_checkpoint(made.request(0, 2, whole))
    kept = cosigner.checkpoint(sha256(made.origin.encode()).hexdigest())
    assert kept == made.checkpoint(2).encode() + line
    assert cosigner.checkpoint(sha256(b"log.example/two").hexdigest()) is None


def test_two_requests_at_once_never_roll_back(make_cosigner, made):
    """A smaller checkpoint that was checked before a larger one was stored is not cosigned after it."""
    cosigner = make_cosigner(made.vkey)
    cosigner.add_checkpoint(made.request(0, 2))
    swap = cosigner._store.swap

    def overtaken(origin, before, make):
        cosigner._store.swap = swap
        cosigner.add_checkpoint(made.request(2, 7))
        return swap(origin, before, make)

    cosigner._store.swap = overtaken
    with pytest.raises(OtherSize) as other:
        cosigner.add_checkpoint(made.request(2, 4))
    assert other.value.size == 7
    assert cosigner.cosigned()[0].size == 7


def test_many_threads(make_cosigner):
    """Whatever they send at once: what was cosigned, ordered by time, never shrinks, and never forks."""
    made = NoteLog().grow(120)
    fork = NoteLog(made.origin, made.key).grow(50).grow(120, b"fork")
    cosigners = [make_cosigner(made.vkey) for _ in range(2)]
    given: list[tuple[int, bool]] = []
    lock = threading.Lock()

    def ask(number: int) -> None:
        log, cosigner = (made, fork)[number % 2], cosigners[number % 2]
        known = 0
        for new in range(1 + number % 5, 121, 5):
            for _ in range(3):
                if known > new:
                    break
                try:
                    cosigner.add_checkpoint(log.request(known, new))
                except OtherSize as error:
                    known = error.size
                except NotConsistent:
                    break
                else:
                    known = new
                    with lock:
                        given.append((new, log is fork))
                    break

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({forked for size, forked in given if size > 50}) == 1
    assert cosigners[0].cosigned() == cosigners[1].cosigned()
    assert cosigners[0].cosigned()[0].size == max(size for size, _ in given)


def test_time_never_goes_backwards_with_the_clock(make_cosigner, made):
    times = iter([1_000_000, 999_900, 1_000_050])
    cosigner = make_cosigner(made.vkey, clock=lambda: next(times))
    given = [
        verified_time(
            cosigner.add_checkpoint(made.request(old, new)), cosigner.witness.encode(), made.body(new)
        )
        for old, new in [(0, 1), (1, 2), (2, 3)]
    ]
    assert given == [1_000_000, 1_000_000, 1_000_050]


def test_a_clock_that_is_far_behind_stops_it(make_cosigner, made):
    times = iter([1_000_000, 999_000])
    cosigner = make_cosigner(made.vkey, clock=lambda: next(times))
    cosigner.add_checkpoint(made.request(0, 1))
    with pytest.raises(CannotCosign, match="1000 s behind"):
        cosigner.add_checkpoint(made.request(1, 2))
    assert cosigner.cosigned()[0].size == 1


def test_nothing_is_given_away_that_was_not_stored(cosigner, made):
    cosigner._store._connection.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.cosigned BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with pytest.raises(CannotCosign, match="disk full"):
        cosigner.add_checkpoint(made.request(0, 1))
    cosigner._store._connection.execute("DROP TRIGGER full")
    assert cosigner.cosigned() == ()
    assert status(cosigner, made.request(0, 2)) == 200
