"""The monitor: it follows logs, audits them around the clock, and answers what is in them.

It imports nothing of the log and reads it only over its public face: an auditor that shared code or files
with the log would trust it. Only what was verified is kept as true: tree heads whose signature, consistency
and root were checked, and proofs at the last of these. Who controls the monitor's database can hide
certificates from a search and raise or drop alerts, but cannot make a client accept a proof: clients check.
"""

from monitor.service import Monitor

__all__ = ["Monitor"]
