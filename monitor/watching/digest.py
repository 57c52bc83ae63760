"""One notice a day instead of one a certificate, for channels that would else be told all the time.

Certificates and malformed entries are gathered to the end of a period; whatever a person must act on at once
(a log that misbehaves, a refused watchlist, a test) goes out as ever. The periods are counted from 1970, so
a restart changes nothing: what was queued before the present period is sent as one, again and again until it
was taken, and its notices count as delivered only then.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from monitor.store.deliveries import Due
from monitor.watching.channel import NotDelivered, Sender
from monitor.watching.courier import Courier, Desk
from monitor.watching.names import shown
from monitor.watching.values import Notice, Origin, Subject

GATHERED: Final = (Subject.CERTIFICATE.value, Subject.MALFORMED.value)
MOST: Final = 1000
"""Notices in one digest; what is left follows at once in another."""
MOST_NAMES: Final = 20
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
logger = logging.getLogger(__name__)


class DigestCourier(Courier):
    """The thread of a channel that is told once in ``period``."""

    def __init__(self, name: str, sender: Sender, desk: Desk, period: timedelta) -> None:
        super().__init__(name, sender, desk)
        self._period = period
        self._alone = GATHERED

    def turn(self, now: datetime) -> bool:
        """Send what goes at once, else what was gathered; returns whether to go on at once."""
        return super().turn(now) or self._digest(now)

    def _digest(self, now: datetime) -> bool:
        begun = begin_of(now, self._period)
        gathered = self._desk.deliveries.gathered(self.name, now, begun, GATHERED, MOST)
        if not gathered:
            return False
        failure = self._send(gathered, begun)
        if failure is not None:
            self._rest(failure)
        return failure is None

    def _send(self, gathered: Sequence[Due], begun: datetime) -> NotDelivered | None:
        notices = [notice for due in gathered if (notice := self._desk.notice(due.notice)) is not None]
        try:
            if notices:
                self._sender.send(content(notices, [self._desk.content(each) for each in notices], begun))
        except NotDelivered as failure:
            for due in gathered:
                self._failed(due, failure)
            return failure
        for due in gathered:
            self._desk.deliveries.delivered(self.name, due.notice, datetime.now(UTC))
        return None


def begin_of(now: datetime, period: timedelta) -> datetime:
    """Return when the present period began."""
    return now - (now - _EPOCH) % period


def content(
    notices: Sequence[Notice], contents: Sequence[Mapping[str, Any]], begun: datetime
) -> dict[str, Any]:
    """Return the digest of some notices. Its id is theirs, so that one that is sent again is known."""
    names = tuple(dict.fromkeys(name for notice in notices for name in notice.matched))
    listed = ", ".join(map(shown, names[:MOST_NAMES])) + (" and more" if len(names) > MOST_NAMES else "")
    return {
        "notice": notices[-1].id,
        "id": f"urn:uuid:{uuid5(NAMESPACE_URL, ' '.join(notice.uid for notice in notices))}",
        "subject": "digest",
        "origin": Origin.UNKNOWN.value,
        "created_at": begun.isoformat(),
        "summary": f"{len(notices)} alerts until {begun:%Y-%m-%d %H:%M} UTC, for {listed}.",
        "matched": list(names[:MOST_NAMES]),
        "notices": list(contents),
    }
