"""List every certificate of this authority, with its state."""

import argparse
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mingjing import data, output

if TYPE_CHECKING:
    from issuer.store import StoredCertificate

EXAMPLES = """\
examples:
  mingjing certificates
  mingjing certificates --state revoked --json
"""
STATES = ("in-use", "renewal", "expired", "revoked")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=STATES, help="only certificates in this state")


def run(arguments: argparse.Namespace) -> int:
    from issuer.store import CertificateState
    from mingjing.rooms import authority, room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    state = None if arguments.state is None else CertificateState(arguments.state)
    with room_errors(), authority(directory, settings) as opened:
        rows = opened.certificates(state)
    if arguments.json:
        output.emit_json([as_json(row) for row in rows])
    elif rows:
        print(table(rows))
    else:
        output.talk("No certificate in this state." if state else "No certificate has been issued yet.")
    return 0


def as_json(row: "StoredCertificate") -> dict[str, Any]:
    """Return one row of the unified list for JSON."""
    return {
        "serial": row.serial,
        "state": row.state(datetime.now(UTC)).value,
        "algorithm": row.label,
        "profile": row.profile,
        "ca": row.ca,
        "names": row.names,
        "not_before": row.not_before.isoformat(),
        "not_after": row.not_after.isoformat(),
        "pair": row.pair,
        "sha256": hashlib.sha256(row.der).hexdigest(),
        "revocation_reason": row.revocation.reason if row.revocation else None,
    }


def table(rows: "Iterable[StoredCertificate]") -> str:
    """Return the unified list for a person."""
    now = datetime.now(UTC)
    cells = [
        (
            r.state(now).value,
            r.label,
            output.safe(", ".join(r.names)),
            f"{r.not_after:%Y-%m-%d %H:%M}",
            r.serial,
        )
        for r in rows
    ]
    return output.table(cells, ("state", "kind", "names", "expires (UTC)", "serial"))
