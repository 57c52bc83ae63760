"""A log asks witnesses for cosignatures of its heads (C2SP tlog-witness) and has them published.

One thread a witness, beside the writer's: nothing that a witness does or leaves undone delays a flush.
"""

from tlog.witnesses.asking import WitnessStatus
from tlog.witnesses.client import WitnessAddress
from tlog.witnesses.first_answers import ASK_FIRST_SECONDS, ASKING
from tlog.witnesses.witnessing import Witnessing

__all__ = ["ASKING", "ASK_FIRST_SECONDS", "WitnessAddress", "WitnessStatus", "Witnessing"]
