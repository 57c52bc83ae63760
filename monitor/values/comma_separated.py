"""Certificates as lines of CSV (RFC 4180), for spreadsheets and programs."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

COLUMNS: Final = (
    "sha256", "matched", "names", "issuer", "serial", "not_before", "not_after", "algorithm", "first_seen",
    "logs", "revocation", "tbs_sha256", "spki_sha256",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def comma_separated(certificates: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line of column names, then one for each certificate's facts in JSON's types.

    Several names stand in one cell with spaces between; of the revocation there is the status alone.
    """
    yield _line(COLUMNS)
    for facts in certificates:
        cells = {**facts, "revocation": facts["revocation"]["status"]}
        yield _line([_cell(cells[column]) for column in COLUMNS])


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: str | list[str]) -> str:
    """Return a cell's text; one that a spreadsheet would run as a formula is quoted with an apostrophe."""
    text = " ".join(value) if isinstance(value, list) else value
    return f"'{text}" if text.startswith(_FORMULA) else text
