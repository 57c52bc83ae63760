"""Exports of logs: made with a description that names the log, and checked against a key."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mingjing import own_log, publisher
from mingjing.config import Config
from mingjing.errors import ConfigError, DataError
from mingjing.rooms import lock_directory

if TYPE_CHECKING:
    from tlog.ct import Exported
    from tlog.ct.heads import CtHeads


def export(
    data: Path,
    settings: Config,
    name: str,
    target: Path,
    *,
    compress: bool,
    monitoring_url: str | None,
    progress: Callable[[int, int], None],
) -> "Exported":
    """Bring the copy of a log's public side in ``target`` up to date."""
    from tlog.ct import Export
    from verifier.transparency.log_list import encode_log

    source = own_log.directory_of(data, name)
    log = publisher.own_log(source, settings)
    if monitoring_url is not None:
        log = replace(log, monitoring_url=_checked(monitoring_url))
    description = json.dumps(encode_log(log, listed_at=datetime.now(UTC)), indent=2).encode()
    try:
        return Export(
            source,
            target,
            description,
            compress=compress,
            progress=progress,
            lock_directory=lock_directory(data),
        ).run()
    except OSError as error:
        raise DataError(f"DIR: could not write to {target}: {error.strerror}.") from None


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(
            f"--monitoring-url: expected one such as https://logs.example.org/p256/, not {url!r}."
        )
    return url.rstrip("/") + "/"


def heads_of_own(data: Path, name: str) -> "CtHeads":
    """Return what opens the heads of our log of this name."""
    from tlog.ct import load_settings
    from tlog.ct.heads import CtHeads
    from verifier.algorithms import PublicKey

    settings = load_settings(own_log.directory_of(data, name))
    return CtHeads(settings.origin, PublicKey.from_spki(settings.key))


def heads_of_export(copy: Path) -> "CtHeads":
    """Return what opens the heads of the log that an export says it is of."""
    from tlog.ct.exporting import DESCRIPTION
    from tlog.ct.heads import CtHeads
    from verifier.errors import MalformedInput
    from verifier.transparency.log_list import parse_log_list

    path = copy / DESCRIPTION
    try:
        log = json.loads(path.read_bytes())
        listed = {"operators": [{"name": "exported", "logs": [], "tiled_logs": [log]}]}
        (found,) = parse_log_list(json.dumps(listed).encode(), str(path)).logs
    except OSError as error:
        raise DataError(f"--directory: could not read {path}: {error.strerror}.") from None
    except (ValueError, MalformedInput) as error:
        raise DataError(f"--directory: {path} does not describe a log: {error}") from None
    return CtHeads(found.checkpoint_origin, found.key)
