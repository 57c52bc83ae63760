"""Which logs are asked for a certificate's promises: those that take it, one of each kind, shards first."""

import datetime as dt
from collections.abc import Sequence

from issuer.errors import TooFewLogs
from issuer.settings import LogEndpoint

_ALWAYS = dt.timedelta.max


def choose_logs(
    logs: Sequence[LogEndpoint], not_after: dt.datetime, promises: int
) -> list[list[LogEndpoint]]:
    """Return, for each promise that is needed, the logs to ask for it in turn; no log stands in two.

    Needed is one promise of each kind of log there is, and at least ``promises``. Of a kind, a log made for
    the time in which the certificate ends comes before one that takes all. Where a kind has no log that takes
    the certificate, a further one of another kind stands in.

    :raises TooFewLogs: where the logs that take it are fewer than the promises.
    """
    fitting = [log for log in logs if log.interval is None or not_after in log.interval]
    kinds = dict.fromkeys(log.kind or log.name for log in logs)
    groups = [group for kind in kinds if (group := _of_kind(kind, fitting))]
    needed = max(promises, len(kinds))
    while len(groups) < needed:
        longest = max(groups, key=len, default=[])
        if len(longest) < 2:  # noqa: PLR2004 - one for its own promise, one to give away
            raise TooFewLogs(not_after, needed, [log.name for log in fitting])
        groups.append([longest.pop()])
    return groups


def _of_kind(kind: str, logs: Sequence[LogEndpoint]) -> list[LogEndpoint]:
    return sorted((log for log in logs if (log.kind or log.name) == kind), key=_length)


def _length(log: LogEndpoint) -> dt.timedelta:
    interval = log.interval
    return _ALWAYS if interval is None else interval.end_exclusive - interval.start_inclusive
