"""The witnesses of mingjing.toml as the rooms below take them, and our own witness opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing.config import FILE_NAME, Config
from mingjing.errors import ConfigError, DataError
from mingjing.witness_settings import AskedWitness, OwnWitness

if TYPE_CHECKING:
    from keys import KeyHandle
    from monitor.auditor.witnesses import WitnessPolicy
    from monitor.witness import Cosigner, KnownLogs
    from tlog.witnesses import WitnessAddress
    from verifier.transparency.cosignature import Witness

STATUS_SECONDS = 2.0
DATABASE = "witness.db"
KEY = "cosign"


def witness_addresses(settings: Config) -> "tuple[WitnessAddress, ...]":
    """Return the witnesses that our logs ask; raises ConfigError for a key that is none."""
    from tlog.witnesses import WitnessAddress

    return tuple(WitnessAddress(asked.url, witness, asked.ca) for asked, witness in _asked(settings))


def witness_policy(settings: Config) -> "WitnessPolicy":
    """Return what the auditor requires; raises ConfigError for a key that is none."""
    from monitor.auditor.witnesses import WitnessPolicy

    asked = _asked(settings)
    return WitnessPolicy(
        tuple((one.url, witness) for one, witness in asked),
        settings.witnesses.required,
        {one.url: one.ca for one, _ in asked if one.ca is not None},
    )


def witness_states(settings: Config) -> list[dict[str, Any]]:
    """Ask the running logs how their witnesses stand; empty where they have none or do not answer."""
    import urllib3

    if not settings.witnesses.witnesses:
        return []
    url = f"http://{settings.local_host}:{settings.listen.logs}/witnesses"
    try:
        answer = urllib3.request("GET", url, timeout=STATUS_SECONDS, retries=False)
        told = answer.json() if answer.status == HTTPStatus.OK else {}
    except (urllib3.exceptions.HTTPError, ValueError):
        return []
    return [{"log": log, **state} for log, states in told.items() for state in states]


def _asked(settings: Config) -> "tuple[tuple[AskedWitness, Witness], ...]":
    from verifier.errors import VerifierError
    from verifier.transparency.cosignature import Witness

    found = []
    for number, asked in enumerate(settings.witnesses.witnesses, 1):
        try:
            found.append((asked, Witness.parse(asked.key)))
        except VerifierError as error:
            raise ConfigError(f"{FILE_NAME}: [[witnesses.witness]] {number}: key: {error}.") from None
        _check_ca(asked.ca, f"{FILE_NAME}: [[witnesses.witness]] {number}: ca")
    return tuple(found)


def _check_ca(file: Path | None, where: str) -> None:
    import ssl

    if file is None:
        return
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(
            f"{where}: could not read certificates in PEM from {file}: {error.strerror or error}."
        ) from None


@contextmanager
def own_witness(data: Path, settings: Config) -> "Iterator[Cosigner]":
    """Open our own witness, made when it is opened first; raises ConfigError, DataError.

    Its log lists are read by ``logs.refresh``, which the caller calls.
    """
    from monitor.witness import Cosigner, WitnessStore

    told = settings.witness
    if told is None:
        raise ConfigError(
            f"{data / FILE_NAME} has no [witness] section: the file itself says how to write one."
        )
    logs = _known_logs(data, settings, told)
    signer = _key(data)
    store = WitnessStore(data / DATABASE)
    try:
        yield Cosigner(told.name, signer, store, logs)
    finally:
        store.close()


def _key(data: Path) -> "KeyHandle":
    """Return the witness's key. It is made after its database, so a key without one has lost its memory."""
    from keys import FileKeyStore
    from monitor.witness import WitnessStore
    from verifier.algorithms import KeyAlgorithm

    keys = FileKeyStore.create(data / "keys", "witness")
    if keys.exists(KEY):
        if not (data / DATABASE).exists():
            raise DataError(
                f"{data / DATABASE} is missing. Without it the witness does not know what it has"
                " cosigned, and could cosign a forked log. Bring back the newest one. If it is lost, move"
                f" {data / 'keys' / 'witness' / KEY}.key away and start again: all who rely on this witness"
                " must then be told its new vkey."
            )
        return keys.open(KEY)
    WitnessStore(data / DATABASE).close()
    return keys.generate(KEY, KeyAlgorithm.ED25519)


def _known_logs(data: Path, settings: Config, told: OwnWitness) -> "KnownLogs":
    from mingjing.publisher import LOG_LIST_FILE
    from monitor.follower.fetch import Fetcher
    from monitor.witness import KnownLogs
    from verifier.errors import VerifierError
    from verifier.transparency.log_key import LogKey

    keys = []
    for number, log in enumerate(told.logs, 1):
        try:
            keys.append(LogKey.parse(log.key, log.origin))
        except VerifierError as error:
            raise ConfigError(f"{FILE_NAME}: [witness] logs, number {number}: {error}.") from None
    places = [str(data / LOG_LIST_FILE) if place == "own" else place for place in told.log_lists]
    return KnownLogs(keys, places, Fetcher(settings.local_urls()))
