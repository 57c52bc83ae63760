"""A further log of this service: what was asked for, checked; and made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mingjing.config import Config
from mingjing.errors import ConfigError, DataError
from mingjing.rooms import DEMO_PREFIX, lock_directory, log_names

if TYPE_CHECKING:
    from keys import KeyHandle
    from tlog.ct import LogSettings
    from verifier.certificates import Certificate

ALGORITHMS: Final = ("sm2", "p256")
STATES: Final = ("pending", "usable")
LONGEST_TEXT: Final = 200  # characters of an operator's name or a description
LONGEST_DELAY: Final = 86400  # seconds; a day is the longest that browsers accept
_SEQUENCE: Final = b"\x30"  # how DER of a certificate begins
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """A log that is to be made; every field is as the user gave it. ``roots`` are files."""

    name: str
    algorithm: str
    begin: str | None = None
    until: str | None = None
    roots: Sequence[str] = ()
    operator: str | None = None
    description: str | None = None
    merge_delay: int | None = None
    eku: Sequence[str] = ()
    state: str = "usable"


@dataclass(frozen=True, slots=True)
class NewLog:
    """A log that can be made."""

    name: str
    origin: str
    algorithm: str
    not_after: tuple[datetime | None, datetime | None]
    roots: "tuple[Certificate, ...]"
    operator: str
    description: str
    merge_delay: timedelta
    eku: tuple[str, ...]
    state: str

    def make(self, data: Path) -> "LogSettings":
        """Make key, roots, first tree head and log.toml, in this order; a run cut short may be repeated."""
        from tlog.ct import LogState, create_log

        try:
            return create_log(
                data / "logs" / self.name,
                name=self.name,
                origin=self.origin,
                signer=_key(data, self.name, self.algorithm),
                roots=self.roots,
                description=self.description,
                merge_delay=self.merge_delay,
                not_after=self.not_after,
                state=LogState(self.state),
                operator=self.operator,
                eku=self.eku,
                lock_directory=lock_directory(data),
            )
        except OSError as error:
            raise DataError(f"could not write to {data}: {error.strerror}.") from None


def checked(wish: Wish, data: Path, settings: Config) -> NewLog:
    """Return the log that is wished for; raises ConfigError that names the field and what was expected."""
    return NewLog(
        name=_name(wish.name, data),
        origin=f"{settings.domain}/log/{wish.name}",
        algorithm=wish.algorithm,
        not_after=_interval(wish.begin, wish.until),
        roots=_roots(wish.roots, data),
        operator=_text("--operator", wish.operator),
        description=_text("--description", wish.description) or f"{settings.org} log {wish.name}",
        merge_delay=_merge_delay(wish.merge_delay, settings),
        eku=_usages(wish.eku),
        state=wish.state,
    )


def _name(name: str, data: Path) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "NAME: expected up to 40 small letters, digits and hyphens, such as p256-2027: it stands in the "
            f"log's address for good; not {name!r}."
        )
    if name.startswith(DEMO_PREFIX):
        raise ConfigError(f"NAME: {DEMO_PREFIX}… is kept for the demo's own logs.")
    if name in log_names(data):
        raise ConfigError(f"NAME: there is a log {name} already; a log is never made twice. Choose another.")
    return name


def _interval(begin: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    start, end = _moment("--from", begin), _moment("--until", until)
    if start and end and start >= end:
        raise ConfigError(f"--until: expected a time after --from {start:%Y-%m-%d %H:%M}, not {until!r}.")
    return start, end


def _moment(field: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(microsecond=0)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{field}: expected a date such as 2027-01-01 or a time such as 2027-01-01T08:00:00+08:00 "
            f"(without a zone it is UTC), not {text!r}."
        ) from None


def _roots(files: Sequence[str], data: Path) -> "tuple[Certificate, ...]":
    paths = [Path(file) for file in files] or [data / "ca" / "roots.pem"]
    return tuple(root for path in paths for root in _roots_of(path))


def _roots_of(path: Path) -> "tuple[Certificate, ...]":
    from verifier.certificates import Certificate, load_pem_chain
    from verifier.errors import MalformedInput

    try:
        content = path.read_bytes()
        is_der = content.startswith(_SEQUENCE) and b"-----BEGIN" not in content
        roots = (Certificate.parse(content),) if is_der else load_pem_chain(content)
    except OSError as error:
        raise ConfigError(f"--roots: could not read {path}: {error.strerror}.") from None
    except MalformedInput as error:
        raise ConfigError(f"--roots: {path}: expected PEM certificates ({error}).") from None
    for root in roots:
        if not root.is_ca and not root.self_issued:
            raise ConfigError(f"--roots: {path} holds a certificate that is no CA's: {root.display_name}.")
    return roots


def _text(field: str, text: str | None) -> str:
    if text is None:
        return ""
    if not text.strip() or len(text) > LONGEST_TEXT or not text.isprintable():
        raise ConfigError(f"{field}: expected 1 to {LONGEST_TEXT} printable characters, not {text!r}.")
    return text.strip()


def _merge_delay(seconds: int | None, settings: Config) -> timedelta:
    if seconds is None:
        return timedelta(seconds=settings.merge_delay)
    if not 1 <= seconds <= LONGEST_DELAY:
        raise ConfigError(f"--merge-delay: expected 1 to {LONGEST_DELAY} seconds, not {seconds}.")
    return timedelta(seconds=seconds)


def _usages(usages: Sequence[str]) -> tuple[str, ...]:
    from tlog.ct.usages import usage_oid

    try:
        return tuple(dict.fromkeys(usage_oid(usage) for usage in usages))
    except ValueError as error:
        raise ConfigError(f"--eku: {error}.") from None


def _key(data: Path, name: str, algorithm: str) -> "KeyHandle":
    """Return the log's key; that of a run that was cut short is used, if it is of the kind asked for."""
    from keys import FileKeyStore
    from verifier.algorithms import KeyAlgorithm

    keys = FileKeyStore.create(data / "keys", "logs")
    wanted = KeyAlgorithm.SM2 if algorithm == "sm2" else KeyAlgorithm.ECDSA
    if not keys.exists(name):
        return keys.generate(name, wanted)
    key = keys.open(name)
    if key.header.algorithm is not wanted:
        raise ConfigError(
            f"--algorithm: keys/logs/{name}.key is there already, a key for {key.header.algorithm}: use the "
            "same algorithm again, or another NAME."
        )
    return key
