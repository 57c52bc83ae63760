"""What the templates may call: words for values, and pictures, the one place where SVG is marked safe."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, request
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from monitor.errors import MonitorError
from web.public import drawing, text
from web.public.language import Language, address_in, join, language, plain_address, quoted, say, shown
from web.public.language.catalogue import CATALOGUE
from web.public.models.marking import Hit
from web.public.negotiation import plain
from web.public.pictures import inline
from web.public.sources import sources
from web.public.state import Said, State
from web.public.statics import static_url
from web.public.visitors import may_see

_ENDS = 8
_QUOTED = 100  # characters of a question that a page repeats


def register(app: Flask) -> None:
    """Give the templates of ``app`` its filters and globals; a Text is shown in the request's language."""
    app.jinja_env.finalize = _finalize
    app.jinja_env.filters.update(
        visible=text.visible,
        day=text.day,
        moment=text.moment,
        span=text.span,
        plural=text.plural,
        shorten=text.shorten,
        time=time_tag,
        hash=hash_tag,
        state=state_tag,
        name=name_tag,
        said=said_tag,
        here=shown,
        iso=text.iso,
        sentence=text.sentence,
        copy_label=copy_label,
        code=code_tag,
        matched=matched_tag,
        marked=marked_tag,
        life_key=life_key,
        listed=lambda parts: join(", ", tuple(parts)),
        quoted=quoted,
        percent=text.percent,
        seconds=lambda seconds: timedelta(seconds=seconds),
        reference=quoted,
        unicode_name=text.unicode_name,
        tojson_readable=_readable,
    )
    app.jinja_env.globals.update(
        State=State, static_url=static_url, mark=inline(drawing.draw_mark()), _=translate, Language=Language,
        address_in=address_in,
    )  # fmt: skip
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_common)


@pass_context  # a value that depends on the request: templates must not compute it when they are compiled
def _finalize(_context: Context, value: Any) -> Any:
    return shown(value)


def translate(message: str, /, **values: Any) -> Markup:
    """Return a template's message in the request's language; it may hold tags, its blanks are escaped."""
    chosen = Markup(_message(message))  # noqa: S704  from a template or the catalogue
    return chosen.format(**{name: shown(value) for name, value in values.items()})


def _message(message: str) -> str:
    return CATALOGUE.get(message, message) if language() is Language.CHINESE else message


def _common() -> dict[str, Any]:
    known = sources()
    return {
        "site": known.settings,
        "now": known.now,
        "json_url": _json_url(),
        "plain_url": plain_address(),
        "here": request.endpoint or "",
        "debug": current_app.debug,
        "language": language(),
        "watching": _watching(),
    }


def _watching() -> bool:
    """Tell whether to link the watchlist: there is one, and this visitor may see it."""
    try:
        state = sources().monitor.watching.state()
    except MonitorError:
        return False
    return state.loaded_at is not None and may_see(state)


def _json_url() -> str:
    arguments = {**request.args.to_dict(), "output": "json"}
    return f"{request.path}?{urlencode(arguments)}"


def time_tag(moment: datetime | None, *, relative: bool = True) -> Markup:
    """Show a time as '3 minutes ago' with the whole moment and its zone beside it."""
    if moment is None:
        return Markup('<span class="quiet">{}</span>').format(shown(say("never")))
    full = shown(text.moment(moment))
    words = shown(text.ago(moment, sources().now)) if relative else full
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text.iso(moment), full, words)


def hash_tag(value: bytes | str, what: str = "hash") -> Markup:
    """Show a hash shortened in the middle; selecting it, or its button, copies the whole."""
    whole = text.visible(value.hex() if isinstance(value, bytes) else value)
    head = whole.find(":") + 1 + _ENDS  # a prefix such as sha256: stays whole
    if len(whole) <= head + _ENDS + 4:
        code = Markup("<code>{}</code>").format(whole)
    else:
        code = Markup('<code title="{}">{}<span class="middle">{}</span>{}</code>').format(
            whole, whole[:head], whole[head:-_ENDS], whole[-_ENDS:]
        )
    label = copy_label(what)
    button = Markup('<button type="button" class="copy" data-copy="{}" hidden>{}</button>')
    return Markup('<span class="hash">{}{}</span>').format(code, button.format(whole, label))


def copy_label(what: str) -> Markup:
    """Return what a button that copies says; only assistive software hears what it copies."""
    return Markup('{}<span class="unseen"> {}</span>').format(shown(say("copy")), shown(what))


def state_tag(state: State, *, word: bool | str = True) -> Markup:
    """Show a state by shape, word and colour; ``word`` may be one that fits better than the state's own."""
    symbol = inline(drawing.draw_state(state))
    said = word if isinstance(word, str) else state.word
    spoken = Markup('<span class="{}">{}</span>').format("" if word else "unseen", shown(said))
    kind = "state" if word else "state bare"
    return Markup('<span class="{} is-{}">{}{}</span>').format(kind, state.value, symbol, spoken)


def said_tag(said: Said) -> Markup:
    """Show a state followed by its reason."""
    return Markup('<span class="said">{}<span class="why">{}</span></span>').format(
        state_tag(said.state), shown(text.visible(said.sentence))
    )


def code_tag(text_: str) -> Markup:
    """Show a word of programs, such as a finding's code."""
    return Markup("<code>{}</code>").format(text_)


def matched_tag(name: str) -> Markup:
    """Show what was searched for."""
    return Markup('<bdi class="name matched">{}</bdi>').format(text.shorten(text.visible(name), _QUOTED))


def marked_tag(name: str, hit: Hit) -> Markup:
    """Show a name as :func:`name_tag` does, with the part marked that a search was for."""
    before, part, after = (text.visible(piece) for piece in hit.split(shown(name)))
    marked = Markup("<mark>{}</mark>").format(part) if part else ""
    return Markup('<bdi class="name">{}{}{}</bdi>').format(before, marked, after)


def life_key(state: str) -> Markup:
    """Show how a calendar draws a state, and its word."""
    known = drawing.LifeState(state)
    return Markup('<span class="nowrap">{} {}</span>').format(
        inline(drawing.draw_key(known)), shown(known.word)
    )


def _readable(value: Any) -> str:
    """Return JSON for people; the template escapes it."""
    return text.visible_lines(json.dumps(plain(value), ensure_ascii=False, indent=2))


def name_tag(name: str) -> Markup:
    """Show a name that somebody else chose: escaped, its unseen characters named, its direction its own."""
    return Markup('<bdi class="name">{}</bdi>').format(escape(shown(text.visible(name))))
