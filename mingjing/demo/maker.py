"""Issues the demo sites' certificates, the bad ones too, and keeps them fresh.

Each site's folder is made under another name and renamed when complete: a killed run leaves nothing
that the next one would take for whole.
"""

import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing import output
from mingjing.config import LOG_NAMES, Config
from mingjing.demo.sites import SITES, Listener, Site
from mingjing.initialise import ROGUE, ROGUE_ORG
from mingjing.rooms import authority, key_store, log_name, own_log_list, room_errors

if TYPE_CHECKING:
    from issuer.authority import Authority
    from verifier.transparency.entries import PrecertEntry
    from verifier.transparency.sct import SignedCertificateTimestamp

RENEW_BEFORE = timedelta(days=7)


def make_demo(data: Path, settings: Config) -> None:
    """Issue for every TLS site whose certificates are missing or about to end."""
    sites = data / "demo" / "sites"
    due = [
        site
        for site in SITES
        if site.listener is not Listener.CLEARTEXT and _is_due(sites / site.label, site)
    ]
    if not due:
        return
    with room_errors(), authority(data, settings) as ours, _rogue(data, ours) as rogue:
        makers = _makers(data, ours, rogue)
        for site in due:
            with output.step(f"Issuing for {site.host}"):
                _replace_folder(sites / site.label, makers.get(site.label, makers["good"]), site)


def _is_due(folder: Path, site: Site) -> bool:
    from verifier.certificates import Certificate

    if not (folder / "complete").exists():
        return True
    ends = Certificate.from_pem((folder / "ecc.crt").read_bytes()).not_after
    return site.label != "expired" and ends < datetime.now(UTC) + RENEW_BEFORE


def _replace_folder(folder: Path, make: Callable[[Site, Path], None], site: Site) -> None:
    building = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    make(site, building)
    (building / "complete").touch()
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)


def _makers(data: Path, ours: "Authority", rogue: "Authority") -> dict[str, Callable[[Site, Path], None]]:
    from issuer.authority import IssueRequest

    now = datetime.now(UTC)

    def issue(issuer: "Authority", **changes: Any) -> Callable[[Site, Path], None]:
        def make(site: Site, folder: Path) -> None:
            request = replace(IssueRequest(names=(site.host,)), **changes)
            issuer.issue_to(request, folder)

        return make

    return {
        "good": issue(ours),
        "rogue": issue(rogue),
        "nosct": issue(ours, include_scts=False),
        "forged-sct": issue(ours, sct_source=_damaging(ours)),
        "unlogged": issue(ours, sct_source=_never_kept(data)),
        "expired": issue(ours, not_before=now - timedelta(days=91), not_after=now - timedelta(days=1)),
        "revoked": _revoked(ours),
        "wrong-name": issue(ours, names=("another-name.mingjing.test",)),
    }


def _revoked(issuer: "Authority") -> Callable[[Site, Path], None]:
    from issuer.authority import IssueRequest
    from issuer.revocation.reasons import RevocationReason

    def make(site: Site, folder: Path) -> None:
        dual = issuer.issue_to(IssueRequest(names=(site.host,)), folder)
        issuer.revoke(f"{dual.sm2.certificate.serial:x}", RevocationReason.KEY_COMPROMISE)

    return make


@contextmanager
def _rogue(data: Path, ours: "Authority") -> "Iterator[Authority]":
    """Open the CA that is publicly anchored in the demo but pinned by nobody; real logs vouch for it."""
    from issuer.authority import Authority
    from issuer.store import IssuerStore

    folder = data / ROGUE
    with IssuerStore(folder / "issuer.db") as store:
        yield Authority(folder, key_store(folder, "issuer"), store, replace(ours.settings, org=ROGUE_ORG))


def _damaging(issuer: "Authority") -> "Callable[..., tuple[SignedCertificateTimestamp, ...]]":
    """Return a source of real promises with one bit of each signature flipped."""

    def submit(chain: Sequence[bytes], entry: "PrecertEntry") -> "tuple[SignedCertificateTimestamp, ...]":
        promises = issuer.submit(chain, entry)
        return tuple(
            replace(sct, signature=sct.signature[:-1] + bytes([sct.signature[-1] ^ 1])) for sct in promises
        )

    return submit


def _never_kept(data: Path) -> "Callable[..., tuple[SignedCertificateTimestamp, ...]]":
    """Return a source of promises, validly signed by the two demo-only logs, that no tree will keep."""
    from tlog.ct import unsafe_promise_without_entry

    keys = key_store(data, "logs")
    names = [name for log in own_log_list(data).logs if (name := log_name(log)).startswith("demo-")]
    assert len(names) == len(LOG_NAMES)  # noqa: S101

    def promise(name: str, entry: "PrecertEntry") -> "SignedCertificateTimestamp":
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # the offence is the demo
            return unsafe_promise_without_entry(entry, keys.open(name), time=datetime.now(UTC), leaf_index=0)

    def submit(_chain: Sequence[bytes], entry: "PrecertEntry") -> "tuple[SignedCertificateTimestamp, ...]":
        return tuple(promise(name, entry) for name in names)

    return submit
