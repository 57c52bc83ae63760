"""A witness: cosigns the checkpoints of logs that grow consistently (C2SP tlog-witness, tlog-cosignature).

Its state is its own small database, of which nothing but the newest checkpoint of each log matters.
"""

from monitor.witness.cosigner import Cosigner
from monitor.witness.logs import KnownLogs
from monitor.witness.store import WitnessStore

__all__ = ["Cosigner", "KnownLogs", "WitnessStore"]
