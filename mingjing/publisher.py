"""What this service publishes about itself: its log list, and the signed bundle that clients trust."""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing.config import Config, replace_file
from mingjing.rooms import key_store, log_name, log_names, own_log_list

if TYPE_CHECKING:
    from verifier.transparency.log_list import Log, TemporalInterval

BUNDLE_KEY = "bundle"
BUNDLE_LIFETIME = timedelta(days=7)
BUNDLE_FILE = "trust-bundle.json"
LOG_LIST_FILE = "log-list.json"
CLASSIC_LIST_FILE = "log-list.rfc6962.json"
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
logger = logging.getLogger(__name__)


def own_logs(data: Path, settings: Config) -> "tuple[Log, ...]":
    """Return this service's logs, as their own settings files have them.

    A log whose settings cannot be read stays in the list as it was: a log that is missing there makes every
    certificate with its promise suspect.
    """
    listed: dict[str, Log] = {}
    for name in log_names(data):
        try:
            listed[name] = own_log(data / "logs" / name, settings)
        except _errors() as error:
            logger.error("the log %s is listed as it was before: %s", name, error)  # noqa: TRY400 -- expected
            if before := next((log for log in _listed_before(data) if log_name(log) == name), None):
                listed[name] = before
    return tuple({log.log_id: log for log in listed.values()}.values())


def _errors() -> tuple[type[Exception], ...]:
    from tlog.errors import TlogError
    from verifier.errors import VerifierError

    return TlogError, VerifierError


def own_log(directory: Path, settings: Config) -> "Log":
    """Return one log of this service as its list names it; raises TlogError, VerifierError."""
    from tlog.ct import LogSettingsError, LogState, final_head, load_settings
    from verifier.algorithms import PublicKey
    from verifier.transparency import log_list

    log = load_settings(directory)
    if log.name != directory.name:
        raise LogSettingsError(f"logs/{directory.name}/log.toml is that of the log {log.name}")
    key = PublicKey.from_spki(log.key)
    url = f"{settings.public_url}/log/{log.name}/"
    final = final_head(directory) if log.state is LogState.READ_ONLY else None
    return log_list.Log(
        log_id=key.key_id,
        key=key,
        description=log.description,
        operator=log.operator or settings.operator,
        mmd=log.merge_delay,
        state=log_list.LogState(log.state.value),
        state_since=log.state_since,
        url=url,
        submission_url=url,
        monitoring_url=url,
        temporal_interval=_interval(log.not_after_from, log.not_after_until),
        previous_operators=tuple(
            log_list.PreviousOperator(before.name, before.end_time) for before in log.previous_operators
        ),
        origin=log.origin,
        final_tree_head=None if final is None else log_list.FinalTreeHead(final.size, final.root),
    )


def _interval(start: datetime | None, end: datetime | None) -> "TemporalInterval | None":
    """Return the shard's interval; the format knows no open end, so one that is open is set far away."""
    from verifier.transparency.log_list import TemporalInterval

    if start is None and end is None:
        return None
    return TemporalInterval(start or FIRST_MOMENT, end or LAST_MOMENT)


def _listed_before(data: Path) -> "tuple[Log, ...]":
    """Return the logs of the list that is published now, with both of their addresses; none before one is."""
    if not (data / LOG_LIST_FILE).exists():
        return ()
    return tuple(replace(log, url=log.submission_url) for log in own_log_list(data).logs)


def write_log_lists(data: Path, settings: Config, now: datetime) -> None:
    """Write the log list in both forms: static-ct and RFC 6962."""
    _write(data, _encoded(own_logs(data, settings), settings, now))


def refresh_log_lists(data: Path, settings: Config, now: datetime) -> bool:
    """Write the log list anew if a log has come or changed; tells whether it did."""
    made = _encoded(own_logs(data, settings), settings, now)
    published = json.loads((data / LOG_LIST_FILE).read_bytes())
    if published.get("operators") == json.loads(json.dumps(made["static"]["operators"])):
        return False
    _write(data, made)
    return True


def _encoded(logs: "Sequence[Log]", settings: Config, now: datetime) -> dict[str, dict[str, Any]]:
    from verifier.transparency.log_list import encode_log_list

    operators: dict[str, tuple[str, ...]] = dict.fromkeys(
        (settings.operator, *(log.operator for log in logs)), ()
    )
    return {
        "rfc6962": encode_log_list(logs, operators, "rfc6962", timestamp=now),
        "static": encode_log_list(logs, operators, "static", timestamp=now),
    }


def _write(data: Path, made: dict[str, dict[str, Any]]) -> None:
    for api, name in (("rfc6962", CLASSIC_LIST_FILE), ("static", LOG_LIST_FILE)):
        replace_file(data / name, json.dumps(made[api], indent=2).encode())


def write_bundle(data: Path, settings: Config, now: datetime, distrusted: Iterable[bytes] = ()) -> None:
    """Sign what clients may trust as of ``now`` and put it where the site serves it."""
    from verifier.bundle import TrustBundle, encode_trust_bundle
    from verifier.certificates import load_pem_chain

    issued_at = now.astimezone(UTC).replace(microsecond=0)
    certificates = data / "ca"
    issuing = [path for path in sorted(certificates.glob("*.pem")) if not path.name.startswith("root")]
    bundle = TrustBundle(
        issued_at=issued_at,
        expires_at=issued_at + BUNDLE_LIFETIME,
        public_url=settings.public_url,
        domain=settings.domain,
        operator=settings.operator,
        merge_delay=timedelta(seconds=settings.merge_delay),
        roots=load_pem_chain((certificates / "roots.pem").read_bytes()),
        issuers=tuple(load_pem_chain(path.read_bytes())[0] for path in issuing),
        log_lists={"own": own_log_list(data)},
        distrusted_logs=frozenset(distrusted),
        policy=(data / "policy.toml").read_text("utf-8"),
    )
    replace_file(
        data / BUNDLE_FILE, encode_trust_bundle(bundle, key_store(data, "publisher").open(BUNDLE_KEY))
    )


def hand_to_proxy(data: Path) -> None:
    """Give this machine's proxy what ``join`` gives one elsewhere: a bundle and its signer's hash."""
    folder = data / "proxy"
    folder.mkdir(exist_ok=True)
    signer = key_store(data, "publisher").open(BUNDLE_KEY).public_key
    replace_file(folder / "bundle-fingerprint", hashlib.sha256(signer.spki).hexdigest().encode() + b"\n")
    replace_file(folder / BUNDLE_FILE, (data / BUNDLE_FILE).read_bytes())
