"""The cards of logs that the home page and the page of all logs share."""

from typing import Any

from monitor.values import Overview
from web.public.drawing import draw_growth
from web.public.models.logs import grew, key_words, log_said, points
from web.public.pictures import inline
from web.public.sources import sources

_HEADS = 200


def log_cards(overview: Overview) -> list[dict[str, Any]]:
    """Return what the template ``log_cards`` shows of each log."""
    cards = []
    for log in overview.logs:
        drawn = points(sources().monitor.heads(log.name, _HEADS))
        growth = inline(draw_growth(drawn, sources().now)) if grew(drawn) else ""
        cards.append({"log": log, "said": log_said(log), "key": key_words(log.key), "growth": growth})
    return cards
