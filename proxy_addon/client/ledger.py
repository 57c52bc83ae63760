"""What was judged, by connection, for as long as it matters, and the newest verdicts for the status page."""

import itertools
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from proxy_addon.client.guard import GuardedConnection
from verifier.judge.evidence import Evidence
from verifier.judge.verdict import Verdict

KEEP: Final = 300  # verdicts shown by the status page


@dataclass(eq=False)
class Record:
    """One judged connection. ``generation`` says which state of trust and policy it was judged under."""

    number: int
    host: str
    port: int
    verdict: Verdict
    evidence: Evidence | None
    generation: int
    judged: float  # time.monotonic()
    guard: GuardedConnection | None = None
    requests: int = 0
    opened: bool = False  # a page was opened with it, rather than something fetched in the background
    others: dict[str, Verdict] = field(default_factory=dict)  # same evidence, judged for another host name

    def replace(self, verdict: Verdict, generation: int) -> None:
        """Put a new verdict in force, on the connection too."""
        self.verdict, self.generation = verdict, generation
        self.others.clear()
        if self.guard is not None:
            self.guard.record(verdict)


class Ledger:
    """All records of one proxy; used from its event loop only."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._by_connection: dict[str, Record] = {}
        self._connections_of: dict[str, list[str]] = {}
        self._recent: OrderedDict[int, Record] = OrderedDict()
        self.version = 0  # counts up with every change, for the status page

    def add(
        self,
        client: str,
        connection: str,
        verdict: Verdict,
        evidence: Evidence | None,
        *,
        port: int,
        generation: int,
        judged: float,
        guard: GuardedConnection | None = None,
    ) -> Record:
        """Record a verdict for a server connection, on its guard first."""
        if guard is not None:
            guard.record(verdict)
        record = Record(next(self._numbers), verdict.host, port, verdict, evidence, generation, judged, guard)
        if connection not in self._by_connection:
            self._connections_of.setdefault(client, []).append(connection)
        self._by_connection[connection] = record
        self._recent[record.number] = record
        while len(self._recent) > KEEP:
            self._recent.popitem(last=False)
        self.version += 1
        return record

    def of(self, connection: str) -> Record | None:
        """Return the record of a server connection, by mitmproxy's identifier of it."""
        return self._by_connection.get(connection)

    def forget_client(self, client: str) -> None:
        """Drop what was kept for a client's connections; the newest verdicts stay for the status page."""
        for connection in self._connections_of.pop(client, []):
            self._by_connection.pop(connection, None)

    def of_client(self, client: str) -> list[Record]:
        """Return the records of a client's connections, newest first."""
        connections = self._connections_of.get(client, [])
        return [self._by_connection[connection] for connection in reversed(connections)]

    def newest(self) -> list[Record]:
        """Return the newest records first."""
        return list(reversed(self._recent.values()))

    def get(self, number: int) -> Record | None:
        """Return a record by its number, while it is kept."""
        return self._recent.get(number)
