"""What a notice says, in a sentence: what happened, and what to do."""

from collections.abc import Sequence

from monitor.values import CertificateSummary
from monitor.watching.names import shown
from monitor.watching.values import Origin

MOST_NAMES = 3
_WHOSE = {
    Origin.UNKNOWN: "nobody here is known to have ordered it: if it is not yours, have its issuer revoke it",
    Origin.OURS: "our own issuer made it",
    Origin.AUTHORISED: "it is on the list of known certificates",
    Origin.EXPIRED: "it had expired before this was watched",
}


def certificate(
    found: CertificateSummary, watch: str, matched: Sequence[str], origin: Origin, *, past: bool
) -> str:
    """Say which certificate was found, where, and whose it is."""
    logs = f" in {' and '.join(found.logs)}" if found.logs else ""
    when = "was found in the index" if past else "was logged"
    return (
        f"A certificate for {_some(matched)} {when}{logs} (watched: {watch});"
        f" its issuer is {shown(found.issuer) or 'not named'}; {_WHOSE[origin]}."
    )


def malformed(log: str, index: int, matched: Sequence[str]) -> str:
    """Say which entry could not be read."""
    return (
        f"Entry {index} of log {log} cannot be read as a certificate, and names {_some(matched)}:"
        " look at the entry, and ask the log's operator who submitted it."
    )


def alert(log: str, code: str, detail: str) -> str:
    """Say what the auditor found."""
    return f"The audit of log {log} found {code}: {shown(detail)}"


def _some(matched: Sequence[str]) -> str:
    listed = ", ".join(matched[:MOST_NAMES])
    return listed if len(matched) <= MOST_NAMES else f"{listed} and {len(matched) - MOST_NAMES} more names"
