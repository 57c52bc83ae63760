"""Revoke a certificate and its sibling of the other algorithm."""

import argparse
from typing import TYPE_CHECKING

from mingjing import data, output
from mingjing.commands.certificates import as_json
from mingjing.errors import MingjingError

if TYPE_CHECKING:
    from issuer.authority import Authority
    from issuer.store import StoredCertificate

EXAMPLES = """\
examples:
  mingjing revoke 5F3A9C…                       both certificates of the pair; CRL and OCSP follow at once
  mingjing revoke 5F3A9C… --reason keyCompromise
  mingjing revoke 5F3A9C… --only                this one alone
  mingjing revoke 5F3A9C… --dry-run             say what would be revoked
"""
REASONS = (
    "unspecified",
    "keyCompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("serial", metavar="SERIAL", help="in hex, either certificate's")
    parser.add_argument("--reason", choices=REASONS, default="unspecified", help="RFC 5280, section 5.3.1")
    parser.add_argument("--only", action="store_true", help="not the sibling of the other algorithm")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")


def run(arguments: argparse.Namespace) -> int:
    from issuer.revocation.reasons import RevocationReason
    from mingjing.rooms import authority, room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    with room_errors(), authority(directory, settings) as issuer:
        found = _affected(issuer, arguments.serial, only=arguments.only)
        if not arguments.dry_run:
            issuer.revoke(arguments.serial, RevocationReason(arguments.reason), only=arguments.only)
            found = _affected(issuer, arguments.serial, only=arguments.only)
    if arguments.json:
        output.emit_json([as_json(row) for row in found])
        return 0
    verb = "Would revoke" if arguments.dry_run else "Revoked"
    for row in found:
        print(f"{verb} {row.serial} ({row.label}): {output.safe(', '.join(row.names))}")
    return 0


def _affected(issuer: "Authority", serial: str, *, only: bool) -> "tuple[StoredCertificate, ...]":
    from issuer.authority import canonical_serial

    wanted = canonical_serial(serial)
    certificate = issuer.store.certificate(wanted)
    if certificate is None:
        raise MingjingError(f"no certificate with the serial number {wanted} was issued here.")
    return (certificate,) if only else issuer.store.pair(certificate.pair)
