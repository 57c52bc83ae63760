"""The decision of a witness: which checkpoint it cosigns, and in which order things happen."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from monitor.witness.errors import CannotCosign, NotConsistent, NotSigned, OtherSize, UnknownOrigin
from monitor.witness.logs import KnownLogs
from monitor.witness.store import Cosigned, WitnessStore
from verifier.algorithms import Signer
from verifier.errors import InvalidProof, InvalidSignature, MalformedInput
from verifier.transparency.add_checkpoint import AddCheckpoint
from verifier.transparency.checkpoint import Checkpoint
from verifier.transparency.cosignature import Witness, cosign
from verifier.transparency.log_key import LogKey
from verifier.transparency.merkle import EMPTY_ROOT, verify_consistency
from verifier.transparency.note import NoteSignature

CLOCK_TOLERANCE: Final = 300  # seconds that the clock may stand before the last cosignature of a log


class Cosigner:
    """A witness under one name and Ed25519 key. Safe to call from many threads.

    ``clock`` gives seconds since 1970. Several processes may share one store: it decides.
    """

    def __init__(
        self,
        name: str,
        signer: Signer,
        store: WitnessStore,
        logs: KnownLogs,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.witness = Witness(name, signer.public_key)
        self.logs = logs
        self._signer = signer
        self._store = store
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> bytes:
        """Return the cosignature line for a request's checkpoint (C2SP tlog-witness, add-checkpoint).

        1. The request has its form, and its origin is known.
        2. A key of the log has signed, and no line under one of its keys fails.
        3. The old size is not above the new one, and is that of the last checkpoint that was cosigned.
        4. The proof leads from that one's root to the new root; equal sizes have equal roots, the empty
           tree has the empty root.
        5. The new checkpoint is stored in place of that very one, durably.
        6. Only then is the cosignature given away. Its time is read inside the same transaction: of two
           cosignatures the larger tree never has the earlier time.

        Raises ``MalformedInput`` or NotCosigned.
        """
        request = AddCheckpoint.parse(body)
        checkpoint = request.checkpoint
        keys = self.logs.keys(checkpoint.origin)
        if not keys:
            raise UnknownOrigin("this witness does not know a log of that origin")
        signatures = _verified(checkpoint, keys)
        if request.old_size > checkpoint.size:
            raise MalformedInput(
                f"add-checkpoint.old size: expected at most {checkpoint.size}, got {request.old_size}"
            )
        last = self._store.last(checkpoint.origin)
        if request.old_size != (last.size if last else 0):
            raise OtherSize(last.size if last else 0)
        try:
            root = last.root if last else EMPTY_ROOT
            verify_consistency(request.old_size, checkpoint.size, root, checkpoint.root_hash, request.proof)
        except InvalidProof as error:
            raise NotConsistent(str(error)) from error
        lines: list[NoteSignature] = []

        def make(found: Cosigned | None) -> Cosigned:
            lines.append(self._cosign(checkpoint, found))
            whole = replace(checkpoint, signatures=(*signatures, lines[-1]))
            seconds = int.from_bytes(lines[-1].signature[:8])
            return Cosigned(checkpoint.origin, checkpoint.size, checkpoint.root_hash, seconds, whole.encode())

        self._store.swap(checkpoint.origin, last, make)
        return lines[-1].encode().encode()

    def _cosign(self, checkpoint: Checkpoint, last: Cosigned | None) -> NoteSignature:
        """Sign at a time that is not before the last one's."""
        now, least = int(self._clock()), last.timestamp if last else 1
        if now < least - CLOCK_TOLERANCE:
            raise CannotCosign(
                f"this witness's clock is {least - now} s behind its last cosignature and must be set"
            )
        return cosign(checkpoint, self.witness.name, self._signer, max(now, least))

    def checkpoint(self, identifier: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the log with this origin hash; None without one."""
        found = self._store.last_by_hash(identifier)
        return found.checkpoint if found else None

    def cosigned(self) -> tuple[Cosigned, ...]:
        """Return the newest checkpoint of every log."""
        return self._store.all()


def _verified(checkpoint: Checkpoint, keys: tuple[LogKey, ...]) -> tuple[NoteSignature, ...]:
    """Return the log's own lines; a note on which one of them fails is malformed as a whole (signed-note)."""
    signed = [key for key in keys if key.signatures(checkpoint)]
    try:
        for key in signed:
            key.verify(checkpoint)
    except (InvalidSignature, MalformedInput) as error:
        raise NotSigned(str(error)) from error
    if not signed:
        raise NotSigned(f"checkpoint: expected a signature of {checkpoint.origin} by a key that is known")
    return tuple(line for key in signed for line in key.signatures(checkpoint))
