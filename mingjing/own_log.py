"""The logs of a data directory as the commands see them: their files, and whether a service serves them."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mingjing.config import Config
from mingjing.errors import ConfigError
from mingjing.rooms import DEMO_PREFIX, lock_directory, log_names
from mingjing.serving import answers

if TYPE_CHECKING:
    from tlog.ct import LogSettings
    from tlog.head import Head

OPENING_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1
_MAX_ANSWER: Final = 1 << 20


def directory_of(data: Path, name: str) -> Path:
    """Return a log's directory; raises ConfigError that names the logs there are."""
    names = log_names(data)
    if name not in names:
        raise ConfigError(f"NAME: there is no log {name!r}; there are {', '.join(names) or 'none'}.")
    return data / "logs" / name


def facts(data: Path, settings: Config, name: str) -> dict[str, Any]:
    """Return what a log's files say of it, for JSON; ``problem`` is None when they can be read.

    It is a problem too when store and lock do not belong together, so that the service refuses the log.
    """
    from tlog.ct import LogSettingsError, check_agreement, load_settings, published_head
    from tlog.errors import TlogError

    directory = data / "logs" / name
    found: dict[str, Any] = {"name": name, "problem": None}
    try:
        log = load_settings(directory)
        found |= settled(log, settings)
        if log.name != name:
            raise LogSettingsError(f"logs/{name}/log.toml is that of the log {log.name}")
        found |= head_facts(published_head(directory))
        found["roots"] = _roots(directory)
        check_agreement(directory, lock_directory=lock_directory(data))
    except TlogError as error:
        found["problem"] = str(error).replace(f"{data}/", "")
    return found


def settled(log: "LogSettings", settings: Config) -> dict[str, Any]:
    """Return what a log's log.toml fixes, for JSON."""
    from tlog.ct.usages import usage_names
    from verifier.algorithms import PublicKey

    key = PublicKey.from_spki(log.key)
    return {
        "algorithm": "p256" if str(key.algorithm) == "ecdsa" else str(key.algorithm),
        "log_id": base64.b64encode(key.key_id).decode(),
        "url": f"{settings.public_url}/log/{log.name}/",
        "origin": log.origin,
        "description": log.description,
        "operator": log.operator or settings.operator,
        "state": str(log.state),
        "state_since": log.state_since.isoformat(),
        "from": log.not_after_from and log.not_after_from.isoformat(),
        "until": log.not_after_until and log.not_after_until.isoformat(),
        "merge_delay": int(log.merge_delay.total_seconds()),
        "eku": [usage_names([usage]) for usage in log.eku],
    }


def head_facts(head: "Head") -> dict[str, Any]:
    """Return a tree head for JSON."""
    return {
        "tree_size": head.size,
        "root_hash": base64.b64encode(head.root).decode(),
        "head_time": datetime.fromtimestamp(head.timestamp / 1000, UTC).isoformat(timespec="milliseconds"),
    }


def _roots(directory: Path) -> list[str]:
    from tlog.ct.roots import AcceptedRoots

    return [str(root.subject) for root in AcceptedRoots(directory).all()]


def states(data: Path) -> Mapping[str, str]:
    """Return the state of every log of this directory; "unreadable" where its log.toml cannot be read."""
    from tlog.ct import load_settings
    from tlog.errors import TlogError

    found = {}
    for name in log_names(data):
        try:
            found[name] = str(load_settings(data / "logs" / name).state)
        except TlogError:
            found[name] = "unreadable"
    return found


def troubles(settings: Config) -> Mapping[str, str]:
    """Return what the running logs service says is wrong, by log; nothing where it does not run."""
    try:
        _fetch(settings, "/readyz")
    except urllib.error.HTTPError as error:
        with error:
            return _troubles(error.read(_MAX_ANSWER))
    except OSError:
        return {}
    return {}


def _troubles(body: bytes) -> Mapping[str, str]:
    try:
        found = json.loads(body).get("troubles", {})
        return {str(name): str(why) for name, why in found.items()}
    except (ValueError, AttributeError):
        return {}


def is_running(settings: Config) -> bool:
    """Tell whether a logs service answers on this machine."""
    return answers(settings.listen.host, settings.listen.logs)


def wait_until_served(settings: Config, name: str) -> bool:
    """Wait until the running service has opened the log; False when it does not in time."""
    deadline = time.monotonic() + OPENING_SECONDS
    while time.monotonic() < deadline:
        try:
            _fetch(settings, f"/log/{name}/checkpoint")
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return True
    return False


def wait_until_asked(settings: Config) -> None:
    """Wait while a log of the running service asks its witnesses first (see docs/witnesses.md)."""
    from tlog.witnesses import ASKING

    while ASKING in troubles(settings).values():
        time.sleep(_POLL_SECONDS)


def others_that_take(data: Path, name: str) -> Sequence[str]:
    """Return the logs besides this one that the issuer could ask for a promise, now or for some time."""
    asked = {"usable", "qualified"}
    return [
        other
        for other, state in states(data).items()
        if other != name and state in asked and not other.startswith(DEMO_PREFIX)
    ]


def _fetch(settings: Config, path: str) -> None:
    """Ask this machine's logs service for a page; raises OSError for anything but 200."""
    url = f"http://{settings.local_host}:{settings.listen.logs}{path}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        answer.read(_MAX_ANSWER)
