"""Search the index of logged certificates by name, serial, fingerprint or issuer."""

import argparse
from datetime import UTC, datetime

from mingjing import data, output
from mingjing.errors import MingjingError

EXAMPLES = """\
examples:
  mingjing search good.mingjing.test
  mingjing search mingjing.test --match subdomain --json
  mingjing search 5f3a9c                        a part of a name, or a serial or fingerprint in hex
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY", help="a name, serial, fingerprint or issuer")
    parser.add_argument("--match", choices=("exact", "subdomain", "contains"), default="exact")
    parser.add_argument("--exclude", choices=("expired",), help="leave these out")


def run(arguments: argparse.Namespace) -> int:
    from mingjing.rooms import monitor, room_errors
    from monitor.values import Match, Query

    directory = data.directory(arguments)
    settings = data.load(directory)
    query = Query(
        arguments.query, match=Match(arguments.match), exclude_expired=arguments.exclude == "expired"
    )
    with room_errors():
        results = list(monitor(directory, settings, read_only=True).stream(query, datetime.now(UTC)))
    if arguments.json:
        output.emit_json([result.to_json() for result in results])
    elif results:
        print(
            output.table(
                [_row(result) for result in results], ("names", "algorithm", "expires", "state", "SHA-256")
            )
        )
    if not results:
        raise MingjingError(
            f"nothing in the logs matches {arguments.query!r}; try --match subdomain or contains."
        )
    return 0


def _row(result: object) -> tuple[str, ...]:
    from monitor.values import CertificateSummary

    assert isinstance(result, CertificateSummary)  # noqa: S101
    names = output.safe(", ".join(result.matched or result.names))
    return (
        names,
        result.algorithm,
        f"{result.not_after:%Y-%m-%d}",
        result.revocation.status,
        result.sha256.hex(),
    )
