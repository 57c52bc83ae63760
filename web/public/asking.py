"""The search that a request asks for, read from its parameters; /search and /calendar share it."""

from typing import Final

from flask import request

from monitor.index.filters import Filters
from monitor.values import Match, Query
from web.public.errors import BadParameter
from web.public.language import say
from web.public.parameters import choice, not_among

LONGEST: Final = 500
KINDS: Final = ("name", "ip", "email", "o", "ou", "issuer", "serial", "sha256", "spki", "keyid", "log")
"""What ``kind=`` may say that the text is: the prefixes that a query may have."""


def anything_asked() -> bool:
    """Tell whether there is a text to search for, or at least something that narrows all certificates."""
    given = request.args.to_dict()
    return bool(given.get("q", "").strip() or Filters.parse(given) != Filters())


def asked_query(limit: int) -> Query:
    """Return the search asked for, a page of at most ``limit`` results. Raises BadParameter, QueryError."""
    text = request.args.get("q", "").strip()
    if len(text) > LONGEST:
        raise BadParameter(
            say("q is longer than {most} characters, which no name is.", most=LONGEST), field="q"
        )
    filters = Filters.parse(request.args.to_dict())
    return Query(
        _of_kind(text),
        choice("match", Match) or Match.EXACT,
        after=request.args.get("after") or None,
        limit=limit,
        filters=filters,
    )


def _of_kind(text: str) -> str:
    kind = request.args.get("kind", "")
    if kind and kind not in KINDS:
        raise not_among("kind", KINDS, kind)
    return f"{kind}:{text}" if kind and text else text
