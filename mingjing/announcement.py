"""What ``up`` says once everything answers: the addresses, and one line to copy for each thing to try."""

import shlex
from pathlib import Path
from typing import Any

from mingjing import output
from mingjing.config import Config
from mingjing.demo.sites import SITES, Site


def facts(data: Path, settings: Config) -> dict[str, Any]:
    """Return the addresses and, with --demo, the lines to try, as JSON values."""
    return {
        "public_url": settings.public_url,
        "services": {name: address for name, address, _ in _addresses(settings)},
        "bundle_fingerprint": _fingerprint(data),
        "local_ca": str(data / "proxy" / "ca.pem"),
        "demo": [
            {
                "host": site.host,
                "expected": site.expected,
                "curl": _curl(data, settings, site),
                "check": _check(data, site),
            }
            for site in (SITES if settings.demo else ())
        ],
    }


def text(data: Path, settings: Config, seconds: float) -> str:
    """Return the same for a person at a terminal."""
    parts = [
        f"{output.colour('mingjing', 'bold')} is up ({seconds:.1f} s). Data: {data}. Ctrl-C stops it.",
        "",
        output.table(_addresses(settings), indent="  "),
        "",
        f"  Fingerprint of the bundle's signer {_fingerprint(data)}",
        f"  The proxy's local CA certificate   {data / 'proxy' / 'ca.pem'}",
    ]
    if settings.demo:
        parts += ["", *_demo(data, settings)]
    return "\n".join(parts)


def _addresses(settings: Config) -> list[tuple[str, str, str]]:
    listen = settings.listen
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    witness = ("witness", f"http://{host}:{listen.witness}/", "cosigns the heads of logs; its vkey is there")
    return [
        ("site", f"http://{host}:{listen.site}/", "search the logs, check the proofs"),
        (
            "proxy",
            f"http://{host}:{listen.proxy}",
            "for browsers; its status page is http://verifier.mingjing/",
        ),
        ("authority", f"https://{host}:{listen.authority}/", "revocation answers (OCSP)"),
        (
            "logs",
            f"http://{host}:{listen.logs}/log/",
            "the logs that `mingjing log list` names",
        ),
        *([witness] if settings.witness else []),
    ]


def _demo(data: Path, settings: Config) -> list[str]:
    rows = [(site.host, site.expected, _check(data, site)) for site in SITES]
    curl = [(f"  {_curl(data, settings, site)}",) for site in SITES]
    return [
        "Try it. Each line shows one verdict:",
        "",
        output.table(rows, ("site", "expected verdict", "in the terminal"), indent="  "),
        "",
        "The same through the proxy, as a browser does it:",
        "",
        output.table(curl),
        "",
        f"  In a browser              {_program()} browser{_data_option(data)}",
        f"  Without proxy or display  {settings.public_url}/demo",
    ]


def _curl(data: Path, settings: Config, site: Site) -> str:
    ca = shlex.quote(str(data / "proxy" / "ca.pem"))
    return (
        f"curl -si -x http://{settings.listen.host}:{settings.listen.proxy} --cacert {ca} "
        f"{site.scheme}://{site.host}/ | grep -i mingjing-verdict"
    )


def _check(data: Path, site: Site) -> str:
    return f"{_program()} check{_data_option(data)} {site.host}"


def _program() -> str:
    return ".venv/bin/mingjing"


def _data_option(data: Path) -> str:
    return "" if data == Path("data") else f" --data {shlex.quote(str(data))}"


def _fingerprint(data: Path) -> str:
    path = data / "proxy" / "bundle-fingerprint"
    return path.read_text("ascii").strip()
