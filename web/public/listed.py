"""What the published log list says of a log beyond its state: which expiry dates it takes, its final head."""

from contextlib import suppress

from verifier.errors import VerifierError
from verifier.transparency.log_list import Log, parse_log_list
from web.public.errors import SiteError
from web.public.sources import sources


def listed(log_id: bytes) -> Log | None:
    """Return a log's entry in the published list; None where the list is not there or cannot be read."""
    with suppress(SiteError, VerifierError):
        found = parse_log_list(sources().document("log-list.json"), "own")
        return next((log for log in found.logs if log.log_id == log_id), None)
    return None
