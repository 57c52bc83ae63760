"""A submission that a log has taken: its promise comes with the next flush, or was given before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tlog.errors import Unavailable
from tlog.pool import Ticket
from verifier.transparency.sct import SignedCertificateTimestamp


class Submission(Protocol):
    """An entry on its way into the tree, for whoever waits in a thread or has other things to do."""

    def wait(self, timeout: float) -> SignedCertificateTimestamp:
        """Return the promise once the entry is durable and published; raises Unavailable (``timeout``: s)."""
        ...

    def when_done(self, call: Callable[[], None]) -> None:
        """Have ``call`` made, from any thread, once ``sct`` can be asked. It must be quick and not raise."""
        ...

    def sct(self) -> SignedCertificateTimestamp:
        """Return the promise of a submission that is done; raises Unavailable if its flush failed."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """The entry is in the tree and has this promise."""

    promise: SignedCertificateTimestamp

    def wait(self, timeout: float) -> SignedCertificateTimestamp:
        del timeout
        return self.promise

    def when_done(self, call: Callable[[], None]) -> None:
        call()

    def sct(self) -> SignedCertificateTimestamp:
        return self.promise


@dataclass(frozen=True, slots=True)
class Pending:
    """The entry waits for its flush."""

    ticket: Ticket

    def wait(self, timeout: float) -> SignedCertificateTimestamp:
        self.ticket.wait(timeout)
        return self.sct()

    def when_done(self, call: Callable[[], None]) -> None:
        self.ticket.when_done(call)

    def sct(self) -> SignedCertificateTimestamp:
        self.ticket.check()
        if not isinstance(self.ticket.outcome, SignedCertificateTimestamp):
            raise Unavailable("the entry is stored but its promise could not be signed; send it again")
        return self.ticket.outcome
