"""Where in a TOML text a key stands: tomllib tells values only, and an error must name its line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
# What can hide a line's start or a bracket, longest first: a string that spans lines, a string, a comment.
_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[{]|[\]}]|\n',
    re.DOTALL,
)

type Place = tuple[str, ...]
"""A table's dotted name in parts, or a key's; an array's table has its index as a part: ``("site", "0")``."""


@dataclass(slots=True)
class Lines:
    """Line numbers, counted from 1, of the tables and keys of one text that tomllib has read."""

    _found: dict[Place, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Lines":
        """Index ``text``."""
        lines, table, counts = cls(), Place.__value__(), dict[str, int]()
        for number, line in _statements(text):
            if header := _HEADER.match(line):
                table = _parts(header[2])
                if header[1] == "[[":
                    counts[header[2]] = index = counts.get(header[2], -1) + 1
                    table = (*table, str(index))
                lines._found.setdefault(table, number)
            elif key := _KEY.match(line):
                place = table
                for part in _parts(key[1]):
                    place = (*place, part)
                    lines._found.setdefault(place, number)
        return lines

    def find(self, *place: str) -> int:
        """The line of the key, else of the nearest table around it that has one, else 1."""
        while place:
            if place in self._found:
                return self._found[place]
            place = place[:-1]
        return 1


def _parts(dotted: str) -> Place:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each line that starts a statement, with its number: none inside a string or an open bracket."""
    starts, depth, number = {1: 0}, 0, 1
    for token in _TOKEN.finditer(text):
        mark = token.group()
        number += mark.count("\n")
        if mark in {"[", "{"}:
            depth += 1
        elif mark in {"]", "}"}:
            depth -= 1
        elif mark == "\n" and depth <= 0:
            starts[number] = token.end()
    for number, start in starts.items():
        yield number, text[start:].split("\n", 1)[0]
