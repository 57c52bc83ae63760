"""Parameters of an address that every page reads alike; a wrong one is refused by its name."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from urllib.parse import urlencode

from flask import request

from web.public.errors import BadParameter
from web.public.language import Text, say

_LONGEST_NUMBER = 18  # digits that SQLite's integers hold


def choice[E: StrEnum](name: str, among: type[E]) -> E | None:
    """Return which of some values was given, None without any; raises BadParameter for any other."""
    given = request.args.get(name)
    if not given:
        return None
    try:
        return among(given)
    except ValueError:
        raise not_among(name, among, given) from None


def not_among(name: str, known: Iterable[str], given: str) -> BadParameter:
    """Return the refusal of a value that is none of those known."""
    wrong = "{name} must be one of {known}, not {given}."
    return BadParameter(say(wrong, name=name, known=", ".join(known), given=repr(given)), field=name)


def whole_number(name: str, wrong: Text) -> int | None:
    """Return a whole number, None without any; raises BadParameter, with what is wrong, for anything else."""
    given = request.args.get(name)
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= _LONGEST_NUMBER):
        raise BadParameter(wrong, field=name)
    return int(given)


def addressed(path: str, parameters: Mapping[str, str | None]) -> str:
    """Return an address with those parameters that have a value."""
    return f"{path}?{urlencode({name: value for name, value in parameters.items() if value})}"
