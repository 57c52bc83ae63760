"""Search the index of logged certificates, newest first, with the filters that the site has."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from mingjing import data, output, search_text
from mingjing.errors import ConfigError, MingjingError

if TYPE_CHECKING:
    from mingjing.config import Config
    from monitor import Monitor
    from monitor.index.filters import Filters
    from monitor.values import CertificateSummary, Query

EXAMPLES = """\
examples:
  mingjing search good.mingjing.test                         this name, or a wildcard over it
  mingjing search mingjing.test --match subdomain --exclude expired,revoked
  mingjing search shop --match contains --expires-until 2026-12-31
  mingjing search 例子.测试                                  or xn--fsqu00a.xn--0zwm56d
  mingjing search 192.0.2.0/24
  mingjing search "o:Example Ltd" --revocation revoked --json
  mingjing search spki:SHA256 --output csv                   every certificate of a key
  mingjing search "log:sm2 index:7"                          that entry of a log
  mingjing search --log sm2 --seen-from 2026-11-24 --output jsonl
"""
MOST_ROWS: Final = 100
"""Rows of the table, unless --limit says otherwise; programs get every result."""
_QUERY: Final = (
    "a name, an IP address or network, a serial number, a fingerprint or an issuer; KIND:TEXT says which,"
    " with KIND one of name, ip, email, o, ou, issuer, serial, sha256, cert, spki, tbs, keyid, ski, aki, log"
)
_FILTERS: Final = {
    "exclude": ("WHAT", "leave these out: expired, revoked, or both with a comma between them"),
    "validity": ("STATE", "only these: valid, expired or not-yet-valid"),
    "at": ("MOMENT", "when they are that; a date or a moment such as 2026-11-24T12:00:00Z (default: now)"),
    "revocation": ("STATUS", "only these: good, revoked, unknown or not-checked"),
    "expires_from": ("MOMENT", "only what expires at this moment or later"),
    "expires_until": ("MOMENT", "only what expires up to this moment; a date includes its day"),
    "seen_from": ("MOMENT", "only what this monitor first saw at this moment or later"),
    "seen_until": ("MOMENT", "only what this monitor first saw up to this moment"),
    "issuer": ("TEXT", "a part of the issuer's name, or the SHA-256 of its certificate or key"),
    "log": ("NAME", "only what this log has"),
}
"""The parameters of the site's /search, and of this command with - for _."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY", nargs="?", default="", help=_QUERY)
    parser.add_argument(
        "--match", choices=("exact", "subdomain", "contains"), default="exact",
        help="how names are compared (default: exact, which finds wildcards over the name too)",
    )  # fmt: skip
    for field, (value, text) in _FILTERS.items():
        parser.add_argument(_option(field), metavar=value, default="", help=text)
    parser.add_argument(
        "--limit", type=int, metavar="N", help=f"at most N (default: all, in a table {MOST_ROWS})"
    )
    parser.add_argument(
        "--output", choices=("table", "json", "jsonl", "csv", "atom"), default="table",
        help="how to print; all but the table are written while they are read, however many there are",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from mingjing.rooms import monitor, room_errors

    now = datetime.now(UTC)
    query = _query(arguments)
    directory = data.directory(arguments)
    settings = data.load(directory)
    form = "json" if arguments.json else arguments.output
    with room_errors():
        searched = monitor(directory, settings, read_only=True)
        try:
            _check_log(query, searched)
            counted = _Counted(_limited(searched.stream(query, now), arguments.limit))
            if form == "table":
                _print_table(counted, now, arguments.limit or MOST_ROWS)
            else:
                sys.stdout.writelines(_lines(form, counted, query, settings, now))
        finally:
            searched.close()
    if not counted.count:
        raise MingjingError(f"nothing in the logs matches {_asked(query)}.{_advice(query)}")
    return 0


def _query(arguments: argparse.Namespace) -> "Query":
    from monitor.errors import QueryError
    from monitor.index.asked import understand
    from monitor.values import Match, Query

    filters = _filters({field: getattr(arguments, field) for field in _FILTERS})
    if arguments.limit is not None and arguments.limit < 1:
        raise ConfigError(f"--limit {arguments.limit}: expected 1 or more.")
    query = Query(arguments.query, match=Match(arguments.match), filters=filters)
    if not arguments.query.strip() and not filters.to_parameters():
        raise ConfigError("QUERY is missing: expected what to look for, or a filter such as --log sm2.")
    try:
        understand(query.q)
    except QueryError as error:
        raise ConfigError(f"QUERY {output.safe(query.q)[:200]!r}: {error}.") from None
    return query


def _filters(given: dict[str, str]) -> "Filters":
    from monitor.errors import QueryError
    from monitor.index.filters import Filters

    try:
        return Filters.parse(given)
    except QueryError as error:
        field, _, expected = str(error).partition(": ")
        raise ConfigError(f"{_option(field)} {given[field]!r}: {expected}.") from None


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _check_log(query: "Query", searched: "Monitor") -> None:
    """A log that is not followed has no certificates here, which is not the same as having none."""
    from monitor.index.asked import Kind, understand

    asked = understand(query.q)
    wanted = [query.filters.log, asked.text if asked.kind in {Kind.LOG, Kind.ENTRY} else ""]
    logs = searched.logs()
    known = {log.name for log in logs} | {log.log_id.hex() for log in logs}
    for name in filter(None, wanted):
        if not {name, name.lower()} & known:
            followed = ", ".join(log.name for log in logs) or "none"
            raise ConfigError(f"log {output.safe(name)!r} is not followed; expected one of: {followed}.")


class _Counted:
    """Results passed on one by one, and how many there were."""

    def __init__(self, results: "Iterator[CertificateSummary]") -> None:
        self._results = results
        self.count = 0

    def __iter__(self) -> "Iterator[CertificateSummary]":
        for result in self._results:
            self.count += 1
            yield result


def _limited[T](results: Iterator[T], limit: int | None) -> Iterator[T]:
    return results if limit is None else islice(results, limit)


def _lines(form: str, results: _Counted, query: "Query", settings: "Config", now: datetime) -> Iterator[str]:
    writers: dict[str, Callable[[Iterable[CertificateSummary]], Iterator[str]]] = {
        "json": search_text.json_list,
        "jsonl": search_text.json_lines,
        "csv": search_text.csv_lines,
    }
    if form in writers:
        return writers[form](results)
    title = f"Certificates: {query.q}"
    return search_text.atom(results, title, settings.public_url, _address(query), now)


def _print_table(results: Iterable["CertificateSummary"], now: datetime, most: int) -> None:
    shown = list(islice(results, most + 1))
    heads = ("names", "algorithm", "expires", "state", "SHA-256")
    if shown:
        print(output.table(search_text.rows(shown[:most], now), heads))
    if len(shown) > most:
        output.talk(f"There are more than {most}: --limit N shows more, --output jsonl gives all of them.")


def _address(query: "Query") -> str:
    """The same search on the site."""
    parameters = {"q": query.q, "match": query.match.value, **query.filters.to_parameters()}
    return f"/search?{urlencode(parameters)}"


def _asked(query: "Query") -> str:
    filters = ", ".join(f"{_option(field)} {text}" for field, text in query.filters.to_parameters().items())
    return " with ".join(filter(None, (repr(output.safe(query.q)) if query.q else "", output.safe(filters))))


def _advice(query: "Query") -> str:
    from monitor.index.asked import Kind, understand

    wider = {"exact": "--match subdomain or contains", "subdomain": "--match contains"}.get(query.match.value)
    if wider is None or understand(query.q).kind is not Kind.NAME:
        return ""
    return f" Try {wider}."
