"""/watch: what this organisation watches for and what was found, as a page, JSON and a feed.

A watchlist says what its owner cares about. Unless it declares itself public, only visitors on this very
machine are shown that there is one; everybody else is told that the page does not exist.
"""

from flask import Blueprint, Response, render_template, request

from monitor.watching.values import WatchedItem, WatchingState
from web.public.errors import Missing
from web.public.language import say
from web.public.models.watching import (
    COMMANDS,
    channel_said,
    channel_words,
    kind_words,
    notice_shown,
    progress_words,
    watching_said,
)
from web.public.negotiation import page
from web.public.parameters import whole_number
from web.public.sources import sources
from web.public.visitors import may_see

blueprint = Blueprint("watch", __name__)

_NOTICES, _FEED = 50, 100


@blueprint.get("/watch")
def show() -> Response:
    """Show everything that is watched and the newest notices; ``?open=1`` only what waits for a person.

    ``?before=`` goes on after the notice of that number.
    """
    state, watching, now = _state(), sources().monitor.watching, sources().now
    only = request.args.get("open") == "1"
    before = whole_number("before", say("before must be the number of a notice."))
    found = watching.notices(open_only=only, before=before, limit=_NOTICES + 1)
    notices = found[:_NOTICES]
    older = notices[-1].id if len(found) > _NOTICES else None
    whole = not only and before is None
    undone = watching.notices(open_only=True, limit=_NOTICES + 1) if whole else ()
    waiting = undone[:_NOTICES]
    said = watching_said(state, now)
    facts = {
        "state": said.state,
        "sentence": said.sentence,
        **{key: value for key, value in state.to_json(now).items() if key != "public"},
        "notices": [notice.state_json() for notice in notices],
        "before": older,
    }
    response = page(
        "watch.html", facts, said=said, watching=state, only=only, older=older, commands=COMMANDS,
        working=state.working(now), waiting=[notice_shown(notice, now) for notice in waiting],
        more_waiting=len(undone) > _NOTICES,
        notices=[notice_shown(notice, now) for notice in notices if notice not in waiting],
        watches=[(item, kind_words(item.kind.value), progress_words(item)) for item in state.watches],
        channels=[(channel, channel_words(channel), channel_said(channel)) for channel in state.channels],
    )  # fmt: skip
    return _private(response)


@blueprint.get("/watch/<int(max=1000000000):number>")
def one(number: int) -> Response:
    """Show one watched thing: certificates that nobody here ordered beside our own."""
    item = _item(_state(), number)
    beside, now = sources().monitor.watching.beside(number, _NOTICES), sources().now
    groups = (("unknown", beside.unknown), ("ours", beside.ours), ("authorised", beside.authorised))
    facts = {**item.to_json(), **{name: [notice.state_json() for notice in group] for name, group in groups}}
    return _private(
        page(
            "watched.html", facts, item=item, kind=kind_words(item.kind.value), progress=progress_words(item),
            unknown=[notice_shown(notice, now) for notice in beside.unknown],
            known=[notice_shown(notice, now) for notice in (*beside.ours, *beside.authorised)],
        )
    )  # fmt: skip


@blueprint.get("/watch.atom")
def feed() -> Response:
    """Give the newest notices as a feed (RFC 4287); a notice keeps its id in every delivery."""
    _state()
    notices = sources().monitor.watching.notices(limit=_FEED)
    changed = [notice.acknowledged_at or notice.created_at for notice in notices]
    text = render_template(
        "watch.atom", notices=list(zip(notices, changed, strict=True)),
        updated=max(changed, default=sources().now), base=sources().settings.public_url,
    )  # fmt: skip
    return _private(Response(text, content_type="application/atom+xml; charset=utf-8"))


def _state() -> WatchingState:
    state = sources().monitor.watching.state()
    if not may_see(state):
        raise Missing(
            say("There is no page at this address."),
            way_out=say("Search for a name, or start from the home page."),
        )
    return state


def _item(state: WatchingState, number: int) -> WatchedItem:
    found = next((item for item in state.watches if item.id == number), None)
    if found is None:
        raise Missing(say("Nothing of this number is watched."))
    return found


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
