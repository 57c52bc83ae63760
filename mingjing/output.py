"""Printing for people: aligned tables, colour only on a terminal, progress with rate; JSON when asked."""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unicodedata import east_asian_width

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "bold": "1", "dim": "2"}


def colour(text: str, name: str) -> str:
    """Wrap ``text`` in a colour when stdout is a terminal that wants it."""
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if wanted else text


def mark(trusted: bool | None) -> str:
    """Return the sign of one of the three states: trusted, refused, not yet known."""
    if trusted is None:
        return colour("◌", "yellow")
    return colour("✔", "green") if trusted else colour("✘", "red")


def safe(text: object) -> str:
    """Return ``text`` with control and direction-changing characters made visible."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def width(text: str) -> int:
    """Return how many terminal columns ``text`` takes; wide characters take two, colours none."""
    columns, escaped = 0, False
    for character in text:
        if escaped or character == "\x1b":
            escaped = character != "m"
        else:
            columns += 2 if east_asian_width(character) in {"W", "F"} else 1
    return columns


def table(rows: Iterable[Sequence[str]], heads: Sequence[str] = (), indent: str = "") -> str:
    """Return ``rows`` as text in aligned columns, under ``heads`` if any."""
    lines = [[*map(str, row)] for row in rows]
    if heads:
        lines.insert(0, [colour(head, "dim") for head in heads])
    if not lines:
        return ""
    widths = [
        max(width(line[column]) for line in lines if column < len(line)) for column in range(_most(lines))
    ]
    return "\n".join(
        (indent + "  ".join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(line))).rstrip()
        for line in lines
    )


def _most(lines: list[list[str]]) -> int:
    return max(len(line) for line in lines)


def talk(text: str = "") -> None:
    """Say something to the person, on stderr: results alone go to stdout."""
    sys.stderr.write(f"{text}\n")  # one write: threads must not tear each other's lines apart
    sys.stderr.flush()


def emit_json(value: Any) -> None:
    """Print ``value`` as JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


@contextmanager
def step(text: str) -> Iterator[None]:
    """Name a piece of work on stderr before it starts, with its time behind it if it took a while."""
    started = time.monotonic()
    print(f"{text} …", end="", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print(file=sys.stderr, flush=True)
        raise
    took = time.monotonic() - started
    print(f" {took:.1f} s" if took >= 1 else " done", file=sys.stderr, flush=True)
