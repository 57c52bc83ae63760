"""A process that asks a witness for the larger and larger trees of one log; run by test_store.

Its argument is JSON: the database, the witness's key, the log's key, whether the log is forked, where the
cosignatures go, the largest step, and the seed of its choices.
"""

import base64
import json
import random
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from monitor.witness import Cosigner, KnownLogs, WitnessStore
from monitor.witness.errors import CannotCosign, NotConsistent, OtherSize
from tests.monitor.witness.notes import NoteLog
from verifier.algorithms import PrivateKey
from verifier.transparency.log_key import LogKey

NAME = "witness.example/w1"
SIZE = 800
FORKED_AT = 20


def log_of(key: bytes, *, forked: bool) -> NoteLog:
    """Two trees under one key, the same up to FORKED_AT entries."""
    log = NoteLog(key=Ed25519PrivateKey.from_private_bytes(key)).grow(FORKED_AT)
    return log.grow(SIZE, b"fork" if forked else b"")


def ask_all_the_way(cosigner: Cosigner, log: NoteLog, given: Path, step: int) -> None:
    known = 0
    while known < SIZE:
        new = min(SIZE, known + random.randint(0, step))  # noqa: S311 -- no secret
        try:
            line = cosigner.add_checkpoint(log.request(known, new))
        except OtherSize as error:
            known = error.size
        except NotConsistent:
            return
        except CannotCosign:
            continue
        else:
            known = new
            body = base64.b64encode(log.body(new).encode()).decode()
            with given.open("a") as file:
                file.write(f"{body} {base64.b64encode(line).decode()}\n")


def main(options: dict) -> None:
    random.seed(options["seed"])
    log = log_of(bytes.fromhex(options["log"]), forked=options["forked"])
    store = WitnessStore(Path(options["database"]))
    key = PrivateKey.from_pkcs8(bytes.fromhex(options["key"]))
    cosigner = Cosigner(NAME, key, store, KnownLogs([LogKey.parse(log.vkey)]))
    ask_all_the_way(cosigner, log, Path(options["given"]), options["step"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
