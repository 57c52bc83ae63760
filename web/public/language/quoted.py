"""Sentences that other rooms wrote in English: recognised by their shape, and said in Chinese.

The monitor and the verifier speak English. Their sentences are made from few shapes with blanks; each shape
that the catalogue knows is told in Chinese with the same facts. What has no known shape is told by what its
code means, and quoted as it was written.
"""

import re
from functools import cache, lru_cache
from typing import Final

from web.public.language.bilingual import Text
from web.public.language.catalogue import SHAPES

_LONGEST: Final = 4000
_REMEMBERED: Final = 2048
"""Sentences whose Chinese is kept: those of one audit come again in the next."""

_BLANK = re.compile(r"\\\{([a-z_]+)\\\}")


def quoted(english: str, meaning: str = "") -> Text:
    """Return ``english`` with its Chinese; ``meaning`` is what to tell where its shape is not known."""
    if isinstance(english, Text):
        return english
    chinese = _chinese(english)
    if chinese is None:
        chinese = f"{meaning}原文：{english}" if meaning else english
    return Text(english, chinese)


@lru_cache(_REMEMBERED)
def _chinese(english: str) -> str | None:
    if len(english) > _LONGEST:
        return None
    for shape, chinese in _shapes():
        if found := shape.fullmatch(english):
            return chinese.format(**{key: _part(value) for key, value in found.groupdict("").items()})
    return None


def _part(value: str) -> str:
    """Return what stands in a blank: a reason may have a shape of its own; a name stays."""
    return _chinese(value) or value


@cache
def _shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the shapes, those with more words of their own first: they are the narrower ones."""
    ordered = sorted(SHAPES.items(), key=lambda shape: -len(_plain(shape[0])))
    return tuple((_compiled(english), chinese) for english, chinese in ordered)


def _plain(english: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "", english)


def _compiled(english: str) -> re.Pattern[str]:
    return re.compile(_BLANK.sub(r"(?P<\1>.+?)", re.escape(english)), re.DOTALL)
