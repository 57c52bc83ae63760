"""Issue a dual certificate: one key and certificate for SM2, one for ECC, both in the logs.

A chain file starts with the certificate itself, as servers want it.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing import data, output

if TYPE_CHECKING:
    from verifier.certificates import Certificate

EXAMPLES = """\
examples:
  mingjing issue www.corp.example --out www/
  mingjing issue www.corp.example 10.0.0.7 --out www/ --tlcp     also an SM2 encryption certificate
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="+", metavar="NAME", help="DNS names (one may be *.name) and IP addresses"
    )
    parser.add_argument("--profile", choices=("ssl",), default="ssl")
    parser.add_argument(
        "--out", metavar="DIR", required=True, type=Path, help="where certificates and keys go"
    )
    parser.add_argument("--tlcp", action="store_true", help="also the encryption certificate that TLCP needs")
    parser.add_argument("--force", action="store_true", help="replace files that are already there")


def run(arguments: argparse.Namespace) -> int:
    from issuer.authority import IssueRequest
    from mingjing.rooms import authority, room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    request = IssueRequest(names=tuple(arguments.name), profile=arguments.profile, tlcp=arguments.tlcp)
    what = f"Issuing for {', '.join(map(output.safe, arguments.name))}"
    with room_errors(), output.step(what), authority(directory, settings) as opened:
        dual = opened.issue_to(request, arguments.out, force=arguments.force)
    issued = {"sm2": dual.sm2, "ecc": dual.ecc, "sm2-enc": dual.sm2_encryption}
    certificates = {kind: one.certificate for kind, one in issued.items() if one is not None}
    if arguments.json:
        output.emit_json({"out": str(arguments.out), **{k: _as_json(c) for k, c in certificates.items()}})
        return 0
    rows = [(k, f"{c.serial:x}", f"until {c.not_after:%Y-%m-%d %H:%M} UTC") for k, c in certificates.items()]
    print(output.table(rows, ("kind", "serial", "validity")))
    print(f"\nCertificates, chains and keys are in {arguments.out}; the keys are nowhere else.")
    return 0


def _as_json(certificate: "Certificate") -> dict[str, Any]:
    return {
        "serial": f"{certificate.serial:x}",
        "names": [*certificate.dns_names, *certificate.ip_addresses],
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "sha256": certificate.fingerprint.hex(),
    }
