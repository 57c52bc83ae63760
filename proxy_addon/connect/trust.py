"""Whom this machine trusts: Mozilla's roots, the policy's, and the signed trust bundle of our own service.

The bundle is believed because its signer's key hashes to the fingerprint in ``proxy/bundle-fingerprint``,
wherever the bytes came from. What was believed once stays on disk, so that a start needs no network.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import certifi

from keys.files import replace_file
from proxy_addon.connect.fetch import Fetch
from proxy_addon.errors import FetchError, SettingsError
from proxy_addon.settings import Settings
from verifier.bundle import TrustBundle, parse_trust_bundle
from verifier.certificates.certificate import Certificate, load_pem_chain
from verifier.errors import PolicyError, VerifierError
from verifier.judge.trust import Trust
from verifier.policy import Policy, parse_policy
from verifier.transparency.log_list import LogList, parse_log_list

logger = logging.getLogger("mingjing")

BUNDLE_BYTES: Final = 4 * 1024 * 1024
LOG_LIST_BYTES: Final = 8 * 1024 * 1024
OWN: Final = "own"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
LOOK_AGAIN: Final = 1.0  # seconds between two looks at policy.toml's time of change


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What the status page says about policy.toml."""

    source: str
    read_at: datetime
    error: str = ""  # why a changed file was refused; the older policy stays in force


class TrustKeeper:
    """Holds the trust in force and renews it; may be asked from several threads.

    ``generation`` counts up whenever a judgement could now come out differently.
    """

    def __init__(self, settings: Settings, fetch: Fetch, now: Callable[[], datetime] | None = None) -> None:
        self._settings = settings
        self._fetch = fetch
        self._now = now or (lambda: datetime.now(UTC))
        self._lock = threading.RLock()
        self.generation = 0
        self._fingerprint = _read_fingerprint(settings.proxy_directory / "bundle-fingerprint")
        self._policy_path = settings.data / "policy.toml"
        self._bundle = self._stored_bundle()
        self._looked = time.monotonic()
        self._policy_mark = self._mark()
        self._has_file = self._policy_mark is not None  # without one from the start, the bundle's is used
        self._policy = self._read_policy()
        self.policy_state = PolicyState(self._policy_source(), self._now())
        self.bundle_error = ""
        self._trust = self._assemble(Trust())

    @property
    def bundle(self) -> TrustBundle:
        """The trust bundle in force."""
        return self._bundle

    def current(self) -> tuple[Policy, Trust]:
        """Return policy and trust in force, after a look whether policy.toml has changed."""
        with self._lock:
            if time.monotonic() - self._looked > LOOK_AGAIN:
                self._looked = time.monotonic()
                self._reread_policy()
            return self._policy, self._trust

    def set_inclusion(self, *, included: frozenset[bytes], not_included: frozenset[bytes]) -> None:
        """Take over what the inclusion checks found out."""
        with self._lock:
            if (included, not_included) != (self._trust.included, self._trust.not_included):
                changed = not_included != self._trust.not_included
                self._trust = replace(self._trust, included=included, not_included=not_included)
                self.generation += changed

    def refresh(self) -> None:
        """Fetch the trust bundle again. Blocks; a failure is kept for the status page."""
        try:
            content = self._fetch(f"{self._settings.public_url}/trust-bundle", limit=BUNDLE_BYTES)
            bundle = parse_trust_bundle(content, self._fingerprint, self._now())
        except (FetchError, VerifierError) as error:
            self.bundle_error = str(error)
            return
        self.bundle_error = ""
        with self._lock:
            if bundle.issued_at > self._bundle.issued_at:
                replace_file(self._settings.proxy_directory / "trust-bundle.json", content)
                same = _substance(bundle) == _substance(self._bundle)
                self._bundle = bundle
                self._trust = self._assemble(self._trust)
                self.generation += not same

    def _stored_bundle(self) -> TrustBundle:
        path = self._settings.proxy_directory / "trust-bundle.json"
        try:
            # A stale bundle is believed here and refused by judge, with the reason on the block page.
            return parse_trust_bundle(path.read_bytes(), self._fingerprint, self._now())
        except OSError as error:
            raise SettingsError(
                f"could not read {path}: {error.strerror}. Run `mingjing init` or `join`."
            ) from None
        except VerifierError as error:
            raise SettingsError(f"{path} is not a trust bundle signed by the pinned key: {error}") from None

    def _policy_source(self) -> str:
        return str(self._policy_path) if self._policy_mark is not None else "the trust bundle"

    def _mark(self) -> tuple[int, int] | None:
        try:
            found = self._policy_path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read_policy(self) -> Policy:
        if self._policy_mark is None and self._has_file:
            raise PolicyError(f"{self._policy_path} is gone")
        if self._policy_mark is None:
            return parse_policy(self._bundle.policy, path_name="the trust bundle's policy")
        try:
            return parse_policy(self._policy_path.read_text("utf-8"), path_name=str(self._policy_path))
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"could not read {self._policy_path}: {error}") from None

    def _reread_policy(self) -> None:
        mark = self._mark()
        if mark == self._policy_mark:
            return
        before, self._policy_mark = self._policy, mark
        try:
            self._policy = self._read_policy()
            self._trust = self._assemble(self._trust)
        except (PolicyError, SettingsError) as error:
            self._policy = before
            logger.warning("policy not taken over, the one before stays in force: %s", error)
            self.policy_state = replace(self.policy_state, error=str(error))
            return
        self.policy_state = PolicyState(self._policy_source(), self._now())
        self.generation += 1

    def _assemble(self, before: Trust) -> Trust:
        bundle = self._bundle
        return Trust(
            public_roots=mozilla_roots(),
            policy_roots=self._policy_roots(),
            own_roots=bundle.roots,
            issuers=bundle.issuers,
            log_lists=self._log_lists(),
            distrusted_logs=bundle.distrusted_logs,
            operator=bundle.operator,
            not_included=before.not_included,
            included=before.included,
            expires_at=bundle.expires_at,
        )

    def _policy_roots(self) -> tuple[Certificate, ...]:
        roots: list[Certificate] = []
        for name in self._policy.root_files:
            path = self._settings.data / name
            try:
                roots.extend(load_pem_chain(path.read_bytes()))
            except (OSError, VerifierError) as error:
                raise SettingsError(f"policy.toml: [roots] files: could not read {path}: {error}") from None
        return tuple(roots)

    def _log_lists(self) -> Mapping[str, LogList]:
        names = {OWN, *self._policy.default.log_lists}
        names.update(name for rules in self._policy.sites.values() for name in rules.log_lists)
        return {name: self._log_list(name) for name in sorted(names)}

    def _log_list(self, name: str) -> LogList:
        if name == OWN:
            return self._bundle.log_lists[OWN]
        try:
            if name.startswith(("http://", "https://")):
                content = self._fetch(name, limit=LOG_LIST_BYTES)
            else:
                content = (self._settings.data / name).read_bytes()
            return parse_log_list(content, name)
        except (OSError, FetchError, VerifierError) as error:
            raise SettingsError(f"policy.toml: log_lists: could not read {name!r}: {error}") from None


@cache
def mozilla_roots() -> tuple[Certificate, ...]:
    """Return Mozilla's roots as certifi ships them; roots installed in the system are never read."""
    return load_pem_chain(Path(certifi.where()).read_bytes())


def _substance(bundle: TrustBundle) -> TrustBundle:
    """Return the bundle without its times, to tell a renewal from a change."""
    return replace(bundle, issued_at=_NEVER, expires_at=_NEVER)


def _read_fingerprint(path: Path) -> bytes:
    try:
        text = path.read_text("ascii").strip()
        fingerprint = bytes.fromhex(text.removeprefix("sha256:"))
    except (OSError, ValueError):
        raise SettingsError(
            f"{path} must hold the fingerprint of the trust bundle's signer. Run `mingjing init`."
        ) from None
    if len(fingerprint) != 32:  # noqa: PLR2004  SHA-256
        raise SettingsError(f"{path} must hold 64 hexadecimal digits.")
    return fingerprint
