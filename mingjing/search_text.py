"""What `mingjing search` prints: a table for people; JSON, CSV and a feed for programs, as they are read."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from mingjing import output

if TYPE_CHECKING:
    from monitor.values import CertificateSummary

_NAMES = 3  # in a row of the table


def rows(results: Iterable["CertificateSummary"], now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield a row of the table for each result; the names that were found come first."""
    for one in results:
        names = one.matched or one.names
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield (
            output.safe(", ".join(names[:_NAMES]) or one.subject) + more,
            one.algorithm,
            f"{one.not_after:%Y-%m-%d}",
            _state(one, now),
            one.sha256.hex(),
        )


def _state(one: "CertificateSummary", now: datetime) -> str:
    status = one.revocation.status
    return "expired" if one.not_after < now and status != "revoked" else status


def json_list(results: Iterable["CertificateSummary"]) -> Iterator[str]:
    """Yield the lines of one JSON list."""
    before = "["
    for one in results:
        yield f"{before}\n{json.dumps(one.to_json(), ensure_ascii=False, indent=2)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def json_lines(results: Iterable["CertificateSummary"]) -> Iterator[str]:
    """Yield one JSON object a line."""
    for one in results:
        yield json.dumps(one.to_json(), ensure_ascii=False) + "\n"


def csv_lines(results: Iterable["CertificateSummary"]) -> Iterator[str]:
    """Return CSV under a line of column names."""
    from monitor.values.comma_separated import comma_separated

    return comma_separated(one.to_json() for one in results)


def atom(
    results: Iterable["CertificateSummary"], title: str, base: str, address: str, now: datetime
) -> Iterator[str]:
    """Yield a feed (RFC 4287). The newest certificate comes first: its time is the feed's."""
    remaining = iter(results)
    first = next(remaining, None)
    updated = first.first_seen if first else now
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"  <title>{_xml(title)}</title>\n  <id>{_xml(base + address)}</id>\n"
        f'  <link rel="alternate" type="text/html" href="{_xml(base + address)}"/>\n'
        f"  <updated>{_moment(updated)}</updated>\n  <author><name>mingjing</name></author>\n"
    )
    if first:
        yield _entry(first, base)
    for one in remaining:
        yield _entry(one, base)
    yield "</feed>\n"


def _entry(one: "CertificateSummary", base: str) -> str:
    page = f"{base}/certificate/{one.sha256.hex()}"
    title = ", ".join(one.matched or one.names) or one.subject
    summary = f"{one.algorithm}, issued by {one.issuer}, valid until {one.not_after:%Y-%m-%d}"
    return (
        f"  <entry>\n    <title>{_xml(title)}</title>\n"
        f'    <id>{_xml(page)}</id>\n    <link href="{_xml(page)}"/>\n'
        f"    <updated>{_moment(one.first_seen)}</updated>\n    <summary>{_xml(summary)}</summary>\n"
        "  </entry>\n"
    )


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _xml(text: str) -> str:
    """Text for XML; what is no character of XML, or turns the direction of text, is spelled out."""
    return escape(output.safe(text), {'"': "&quot;"})
