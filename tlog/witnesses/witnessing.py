"""All witnesses of one log: each is offered every new head, and what they sign is gathered and published."""

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from tlog.head import Head
from tlog.sequencer import Sequencer
from tlog.tree import TileReader
from tlog.witnesses.asking import PAUSE, Asker, WitnessStatus
from tlog.witnesses.client import WitnessAddress
from tlog.witnesses.first_answers import ASK_FIRST_SECONDS, FirstAnswers
from verifier.transparency.merkle import consistency_proof_from
from verifier.transparency.note import NoteSignature

CLOSE_SECONDS: Final = 0.5


class Witnessing:
    """Asks the witnesses of the log that ``sequencer`` writes, from the moment it is made until ``close``.

    A witness that knows more entries than there are stops the log: it is an old copy, and would fork. So
    that nothing is merged before they can say so, the log is held until they were asked, ``ask_first``
    seconds at most (see FirstAnswers); 0 holds nothing.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        addresses: Sequence[WitnessAddress],
        *,
        pause: float = PAUSE,
        ask_first: float = ASK_FIRST_SECONDS,
    ) -> None:
        self._sequencer = sequencer
        self._gathering = threading.Lock()  # guards the two below, and the order in which they are published
        self._head: Head | None = None  # the newest that any witness has cosigned
        self._lines: dict[int, bytes] = {}  # its cosignatures, by the number of the witness
        self._first = FirstAnswers(sequencer, len(addresses), ask_first)
        self._askers = [
            Asker(
                *(address, self._prove, partial(self._gather, number), sequencer.stop),
                answered=partial(self._first.answered, number),
                pause=pause,
            )
            for number, address in enumerate(addresses)
        ]
        for asker in self._askers:
            asker.offer(sequencer.head)
            asker.start()

    def offer(self, head: Head) -> None:
        """Have a published head cosigned; returns at once."""
        for asker in self._askers:
            asker.offer(head)

    def status(self) -> tuple[WitnessStatus, ...]:
        """Return how each witness stands, in the order of the configuration."""
        return tuple(asker.status for asker in self._askers)

    def close(self) -> None:
        """Ask no more. Every cosignature that was not published is lost, and asked for again at a start."""
        self._first.close()
        for asker in self._askers:
            asker.close()
        deadline = time.monotonic() + CLOSE_SECONDS
        for asker in self._askers:
            asker.join(max(0.0, deadline - time.monotonic()))

    def _prove(self, first: int, second: int) -> tuple[bytes, ...]:
        if first in {0, second}:
            return ()
        return consistency_proof_from(TileReader(self._sequencer.storage, second).node, first, second)

    def _gather(self, number: int, head: Head, line: NoteSignature) -> None:
        """Publish a cosignature beside those of the same tree; one of an older tree comes too late."""
        with self._gathering:
            newest = self._head
            if newest is not None and head.size < newest.size:
                return
            if newest is None or (head.size, head.root) != (newest.size, newest.root):
                self._head, self._lines = head, {}
            self._lines[number] = line.encode().encode()
            lines = b"".join(self._lines[at] for at in sorted(self._lines))
            self._sequencer.cosign(head.size, head.root, lines)
