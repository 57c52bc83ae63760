"""A sentence in both languages at once: its own value is the English, which is what programs read.

:class:`Text` is a ``str``, so that values and JSON need not know of languages; the templates and drawings
show it in the language of the request. :func:`say` makes one from an English message with named blanks,
and finds the Chinese in the catalogue. A blank may be filled with another :class:`Text`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

from web.public.language.catalogue import CATALOGUE


class Text(str):
    """A text whose value is English and which knows its Chinese."""

    __slots__ = ("chinese",)

    chinese: str

    def __new__(cls, english: str, chinese: str) -> Self:
        made = super().__new__(cls, english)
        made.chinese = chinese
        return made

    def change(self, function: Callable[[str], str]) -> "Text":
        """Return this text after ``function`` in both languages."""
        return Text(function(str(self)), function(self.chinese))


def say(message: str, /, **values: Any) -> Text:
    """Fill the blanks of ``message`` in both languages.

    A message that the catalogue lacks stays English in both; a test holds that there is none.
    """
    chinese = CATALOGUE.get(message, message)
    return Text(
        message.format(**values), chinese.format(**{key: chinese_of(of) for key, of in values.items()})
    )


def chinese_of(value: Any) -> Any:
    """Return the Chinese of a text, and anything else as it is."""
    return value.chinese if isinstance(value, Text) else value


def join(separator: str, parts: Sequence[str]) -> Text:
    """Join texts; an English comma becomes the Chinese enumeration comma."""
    between = "、" if separator == ", " else separator
    return Text(separator.join(parts), between.join(str(chinese_of(part)) for part in parts))
