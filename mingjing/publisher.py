"""What this service publishes about itself: its log list, and the signed bundle that clients trust."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mingjing.config import Config, replace_file
from mingjing.rooms import key_store, log_names

if TYPE_CHECKING:
    from verifier.transparency.log_list import Log, LogList

BUNDLE_KEY = "bundle"
BUNDLE_LIFETIME = timedelta(days=7)
BUNDLE_FILE = "trust-bundle.json"
LOG_LIST_FILE = "log-list.json"


def own_logs(data: Path, settings: Config) -> "tuple[Log, ...]":
    """Return this service's logs, as their own settings files have them."""
    return tuple(_log(data / "logs" / name, settings) for name in log_names(settings))


def _log(directory: Path, settings: Config) -> "Log":
    from tlog.ct.settings import load_settings
    from verifier.algorithms import PublicKey
    from verifier.transparency.log_list import Log, LogState

    log = load_settings(directory)
    key = PublicKey.from_spki(log.key)
    url = f"{settings.public_url}/log/{log.name}/"
    return Log(
        log_id=key.key_id,
        key=key,
        description=log.description,
        operator=settings.operator,
        mmd=log.merge_delay,
        state=LogState(log.state.value),
        state_since=log.state_since,
        url=url,
        submission_url=url,
        monitoring_url=url,
        origin=log.origin,
    )


def write_log_lists(data: Path, settings: Config, now: datetime) -> None:
    """Write the log list in both forms: static-ct and RFC 6962."""
    from verifier.transparency.log_list import encode_log_list

    logs, operators = own_logs(data, settings), {settings.operator: ()}
    tiled = encode_log_list(logs, operators, "static", timestamp=now)
    classic = encode_log_list(logs, operators, "rfc6962", timestamp=now)
    replace_file(data / "log-list.rfc6962.json", json.dumps(classic, indent=2).encode())
    replace_file(data / LOG_LIST_FILE, json.dumps(tiled, indent=2).encode())


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
        log_lists={"own": _own_list(data)},
        distrusted_logs=frozenset(distrusted),
        policy=(data / "policy.toml").read_text("utf-8"),
    )
    replace_file(
        data / BUNDLE_FILE, encode_trust_bundle(bundle, key_store(data, "publisher").open(BUNDLE_KEY))
    )


def _own_list(data: Path) -> "LogList":
    from mingjing.rooms import own_log_list

    return own_log_list(data)


def hand_to_proxy(data: Path) -> None:
    """Give this machine's proxy what ``join`` gives one elsewhere: a bundle and its signer's hash."""
    folder = data / "proxy"
    folder.mkdir(exist_ok=True)
    signer = key_store(data, "publisher").open(BUNDLE_KEY).public_key
    replace_file(folder / "bundle-fingerprint", hashlib.sha256(signer.spki).hexdigest().encode() + b"\n")
    replace_file(folder / BUNDLE_FILE, (data / BUNDLE_FILE).read_bytes())
