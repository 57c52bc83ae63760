"""Rows of heads and of a log's interval, made into values and back."""

import sqlite3

from monitor.values import Head, from_ms, to_ms
from verifier.transparency.log_list import TemporalInterval

HEAD = "SELECT h.*, l.name FROM heads h JOIN logs l ON l.id = h.log"


def head_of(row: sqlite3.Row) -> Head:
    """A row that ``HEAD`` gave."""
    return Head(
        row["name"],
        row["tree_size"],
        row["timestamp"],
        row["root_hash"],
        row["signature"],
        from_ms(row["seen_at"]),
        bool(row["rebuilt"]),
    )


def interval_row(interval: TemporalInterval | None) -> tuple[int | None, int | None]:
    """The two columns of an interval, in milliseconds."""
    return (to_ms(interval.start_inclusive), to_ms(interval.end_exclusive)) if interval else (None, None)


def interval_of(start: int | None, end: int | None) -> TemporalInterval | None:
    """The interval of two columns; None where it is not bounded."""
    return None if start is None or end is None else TemporalInterval(from_ms(start), from_ms(end))
