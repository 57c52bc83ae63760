"""What is watched and what came of it, as the site speaks of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.watching.values import (
    Channel,
    Delivery,
    DeliveryState,
    Notice,
    Origin,
    Subject,
    WatchedItem,
    WatchingState,
)
from web.public.language import Text, join, quoted, say
from web.public.models.logs import explained
from web.public.models.rows import common_name
from web.public.state import Said, State
from web.public.text import ago, plural

_KINDS = {
    "name": "name",
    "subtree": "name and all below it",
    "address": "IP address",
    "organisation": "organisation",
    "issuer": "issuer",
    "email": "email",
    "lookalike": "names that look alike",
}
_ORIGINS = {
    Origin.UNKNOWN: "nobody here is known to have ordered it: if it is not yours, have its issuer revoke it",
    Origin.OURS: "our own issuer made it",
    Origin.AUTHORISED: "it is on the list of known certificates",
    Origin.EXPIRED: "it had expired before this was watched",
}
_CHANNELS = {"webhook": "signed webhook", "hook": "program"}
_MOST_NAMES = 3
COMMANDS = (
    ("mingjing watch test", say("see whether everybody is told: a test notice through every channel")),
    ('mingjing watch acknowledge ID --note "…"', say("mark a notice as looked at, with a note")),
    ("mingjing watch authorise ID", say("a certificate is known: no alert for it, on any watch")),
    ("mingjing watch retry ID", say("once more through the channels that had given up")),
)
"""What a person does about notices. The site itself writes nothing."""


@dataclass(frozen=True, slots=True)
class NoticeShown:
    """One notice as a line."""

    notice: Notice
    state: State
    word: Text
    sentence: Text
    told: tuple[Text, ...]


def watching_said(state: WatchingState, now: datetime) -> Said:
    """Say in one sentence whether anybody is watching, and whether a person must look at something."""
    if state.error:
        return Said(State.UNKNOWN, say("The watchlist is refused: {reason}", reason=state.error))
    if state.loaded_at is None or not state.watches:
        return Said(State.UNKNOWN, say("Nothing is watched yet: the watchlist names nothing."))
    if not state.working(now):
        return Said(State.UNKNOWN, say("Nobody is watching at the moment: the scheduler has fallen silent."))
    if state.open:
        waiting = "{notices} to look at: certificates that nobody here is known to have ordered."
        return Said(State.REFUSED, say(waiting, notices=plural(state.open, "open notice")))
    return Said(State.TRUSTED, say("Everything watched is in order: no certificate of unknown origin."))


def notice_shown(notice: Notice, now: datetime) -> NoticeShown:
    """Make a notice's line; certificates of unknown origin stand out until somebody has looked."""
    state, word = _standing(notice)
    told = tuple(_told(delivery, now) for delivery in notice.deliveries)
    return NoticeShown(notice, state, word, _sentence(notice), told)


def _standing(notice: Notice) -> tuple[State, Text]:
    """Return a notice's shape and its word: what nobody has looked at yet is neither trusted nor refused."""
    if notice.open:
        return State.REFUSED, say("to look at")
    if notice.origin in {Origin.OURS, Origin.AUTHORISED}:
        return State.TRUSTED, say("known")
    if notice.subject is Subject.TEST or notice.origin is Origin.EXPIRED:
        return State.UNKNOWN, say("for information")
    return State.UNKNOWN, say("looked at")


def _told(delivery: Delivery, now: datetime) -> Text:
    """Say whether one channel has told of a notice."""
    name, error = delivery.channel, quoted(delivery.error)
    if delivery.state is DeliveryState.DELIVERED and delivery.delivered_at:
        return say("{channel} was told {ago}", channel=name, ago=ago(delivery.delivered_at, now))
    if delivery.state is DeliveryState.DEAD:
        return say("{channel} was given up: {error}", channel=name, error=error)
    if delivery.state is DeliveryState.NOT_NEEDED:
        return say("{channel} need not be told", channel=name)
    if delivery.error:
        failing = "{channel} waits to be told; the last attempt failed: {error}"
        return say(failing, channel=name, error=error)
    return say("{channel} waits to be told", channel=name)


def kind_words(kind: str) -> Text:
    """Return what kind of thing is watched."""
    return say(_KINDS[kind])


def channel_words(channel: Channel) -> Text:
    """Return what kind of channel it is."""
    return say(_CHANNELS[channel.kind])


def channel_said(channel: Channel) -> Said:
    """Say whether a channel works."""
    if channel.dead:
        return Said(
            State.REFUSED,
            say("{count} given up: {error}", count=channel.dead, error=quoted(channel.last_error)),
        )
    if channel.last_error:
        return Said(State.UNKNOWN, say("The last attempt failed: {error}", error=quoted(channel.last_error)))
    if channel.last_success is None:
        return Said(State.UNKNOWN, say("Nothing has been sent yet; a test notice would show that it works."))
    return Said(State.TRUSTED, say("It works."))


def _sentence(notice: Notice) -> Text:
    if notice.subject is Subject.CERTIFICATE and notice.certificate is not None:
        return _of_certificate(notice, common_name(notice.certificate.issuer))
    if notice.subject is Subject.MALFORMED:
        return say(
            "Entry {index} of log {log} cannot be read as a certificate, and names {names}.",
            index=notice.index, log=notice.log, names=_some(notice.matched),
        )  # fmt: skip
    if notice.subject is Subject.LOG:
        what = explained(notice.summary.partition(f"{notice.code}: ")[2] or notice.summary, notice.code)
        return say(
            "The audit of log {log} found {code}: {detail}", log=notice.log, code=notice.code, detail=what
        )
    if notice.subject is Subject.TEST:
        return say("A test notice: whoever reads this is told of what is found.")
    return quoted(notice.summary, say("About watching itself.").chinese)


def _of_certificate(notice: Notice, issuer: str) -> Text:
    return say(
        "A certificate for {names}, issued by {issuer}; {whose}.", names=_some(notice.matched),
        issuer=issuer or say("an issuer without a name"), whose=say(_ORIGINS[notice.origin]),
    )  # fmt: skip


def _some(matched: Sequence[str]) -> Text:
    listed = join(", ", matched[:_MOST_NAMES])
    more = len(matched) - _MOST_NAMES
    return say("{names} and {more}", names=listed, more=plural(more, "other name")) if more > 0 else listed


def progress_words(item: WatchedItem) -> Text:
    """Say how far the past of a watched thing has been searched."""
    if item.scanned >= 1:
        return say("past certificates searched completely")
    return say("past certificates searched to {part}", part=f"{item.scanned:.0%}")
