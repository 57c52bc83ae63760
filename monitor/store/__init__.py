"""All SQL of the monitor. SQLite in WAL mode: one writer at a time, readers are never held up.

Durability: a write that returned is on disk (``synchronous=FULL``). Atomicity: a batch of entries, the
nodes above them and the log's new position are one transaction, so a crash leaves the log exactly at an
entry. Concurrency: a batch names the position it was read for; when another process has moved the log on
meanwhile, `Moved` is raised and nothing is written.
"""

from monitor.store.audits import Audits
from monitor.store.connections import Connections
from monitor.store.logs import Batch, Logs
from monitor.store.reading import Certificates
from monitor.store.revocations import Revocations
from monitor.store.rows import CertificateRow, EntryRow, MalformedRow
from monitor.store.search import Search

__all__ = [
    "Audits",
    "Batch",
    "CertificateRow",
    "Certificates",
    "Connections",
    "EntryRow",
    "Logs",
    "MalformedRow",
    "Revocations",
    "Search",
]
