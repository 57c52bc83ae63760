"""How watching goes, as metrics. Whoever may not see the watchlist is not given these."""

from collections.abc import Iterator
from datetime import datetime

from monitor.watching.values import WatchingState
from web.public.metrics.exposition import Family


def of_watching(state: WatchingState, now: datetime) -> Iterator[Family]:
    """Yield whether somebody watches, what waits for a person, and what waits to be delivered."""
    yield Family("mingjing_watching_up", "1 while certificates are compared with the watchlist.").add(
        state.working(now)
    )
    moments = {
        "mingjing_watching_working_since_timestamp_seconds": (
            state.working_since,
            "Since when without a gap.",
        ),
        "mingjing_watching_last_seen_timestamp_seconds": (
            state.checked_at,
            "When certificates were last compared.",
        ),
        "mingjing_watching_list_loaded_timestamp_seconds": (
            state.loaded_at,
            "When the watchlist was last read.",
        ),
    }
    for name, (moment, meaning) in moments.items():
        if moment is not None:
            yield Family(name, meaning).add(moment.timestamp())
    yield Family("mingjing_watching_list_refused", "1 while the watchlist file is refused.").add(
        bool(state.error)
    )
    yield Family("mingjing_watching_watches", "Lines of the watchlist.").add(len(state.watches))
    yield Family("mingjing_watching_open_notices", "Notices that wait for a person.").add(state.open)
    yield from _channels(state)


def _channels(state: WatchingState) -> Iterator[Family]:
    pending = Family("mingjing_watching_notices_pending", "Notices that wait to be delivered.")
    dead = Family("mingjing_watching_notices_given_up", "Notices whose delivery was given up.")
    failing = Family("mingjing_watching_channel_failing", "1 when the last delivery on the channel failed.")
    last = Family("mingjing_watching_delivery_timestamp_seconds", "The last delivery that succeeded.")
    for channel in state.channels:
        pending.add(channel.pending, channel=channel.name)
        dead.add(channel.dead, channel=channel.name)
        failing.add(bool(channel.last_error), channel=channel.name)
        if channel.last_success is not None:
            last.add(channel.last_success.timestamp(), channel=channel.name)
    yield from (pending, dead, failing, last)
