"""Checking every demo site at once, and what to say of each."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy_addon.connect.check import CheckResult
from proxy_addon.errors import ProxyError
from verifier.errors import VerifierError
from web.public.language import quoted, say
from web.public.models.findings import finding_shown
from web.public.models.logs import Check
from web.public.settings import DemoSite
from web.public.state import Said, State

Checker = Callable[[str, Path], CheckResult]

_KEPT_SECONDS = 2.0
_THREADS = 10


@dataclass(frozen=True, slots=True)
class Checked:
    """One demo site with its verdict; ``result`` is None when the check itself could not run."""

    site: DemoSite
    result: CheckResult | None
    problem: str = ""

    @property
    def header(self) -> str:
        """The verdict as the proxy's header has it, or that the site was not reached."""
        if self.result is None or not self.result.reachable:
            return "unreachable"
        return self.result.verdict.header

    @property
    def as_expected(self) -> bool:
        """Whether this is one of the verdicts that the contract names."""
        return self.header in self.site.expected

    @property
    def said(self) -> Said:
        """The verdict in a sentence."""
        if self.result is None:
            return Said(State.UNKNOWN, quoted(self.problem))
        verdict = self.result.verdict
        if not self.result.reachable:
            return Said(State.UNKNOWN, finding_shown(verdict.findings[0]).detail)
        if verdict.trusted:
            return Said(State.TRUSTED, say("Every check that the policy asks for passed."))
        decided = verdict.deciding
        return Said(State.REFUSED, finding_shown(decided).detail if decided else say("A check failed."))

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every finding as a line."""
        return tuple(map(finding_shown, self.result.verdict.findings)) if self.result else ()


class DemoChecks:
    """Runs the checks for everyone who asks: one run at a time, kept for two seconds."""

    def __init__(self, check: Checker, sites: Sequence[DemoSite]) -> None:
        self._check, self._sites = check, sites
        self._lock = threading.Lock()
        self._kept: tuple[float, tuple[Checked, ...]] | None = None

    def run(self, data: Path) -> tuple[Checked, ...]:
        """Check all sites side by side; whoever asks meanwhile gets the same answer."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > _KEPT_SECONDS:
                with ThreadPoolExecutor(_THREADS, thread_name_prefix="demo-check") as pool:
                    results = tuple(pool.map(lambda site: self._one(site, data), self._sites))
                self._kept = (time.monotonic(), results)
            return self._kept[1]

    def _one(self, site: DemoSite, data: Path) -> Checked:
        target = site.host if site.scheme == "https" else site.url
        try:
            return Checked(site, self._check(target, data))
        except (ProxyError, VerifierError, OSError) as error:
            return Checked(site, None, say("The check could not run: {reason}", reason=error))


def checked_facts(checked: Checked) -> dict[str, Any]:
    """Return one site's facts for JSON."""
    return {
        **site_facts(checked.site),
        "verdict": checked.header,
        "as_expected": checked.as_expected,
        "sentence": checked.said.sentence,
        "check": checked.result.to_dict() if checked.result else None,
    }


def site_facts(site: DemoSite) -> dict[str, Any]:
    """Return what a site is, for JSON."""
    return {"host": site.host, "url": site.url, "what": site.what, "expected": site.expected}
