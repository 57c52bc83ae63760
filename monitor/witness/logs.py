"""Whose checkpoints a witness looks at: logs named by their keys, and the logs of log lists."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from monitor.errors import SourceError
from monitor.follower.fetch import Fetcher
from verifier.errors import MalformedInput, VerifierError
from verifier.transparency.log_key import LogKey
from verifier.transparency.log_list import MAX_LOG_LIST_SIZE, LogList, parse_log_list

logger = logging.getLogger(__name__)


class KnownLogs:
    """The keys of each origin. ``places`` are log lists (v3): files, or URLs, read again by ``refresh``.

    An origin belongs to who names it first, the keys before the lists: a list cannot add a key of its own
    to a log that is known already. A list that cannot be read, or has become wrong, stays as it was.
    """

    def __init__(
        self, keys: Iterable[LogKey] = (), places: Sequence[str] = (), fetcher: Fetcher | None = None
    ) -> None:
        self._keys = tuple(keys)
        self._places = tuple(places)
        self._fetcher = fetcher or Fetcher()
        self._lists: dict[str, tuple[LogKey, ...]] = {}
        self._known: Mapping[str, tuple[LogKey, ...]] = MappingProxyType(_by_origin([self._keys]))

    def keys(self, origin: str) -> tuple[LogKey, ...]:
        """The keys that may sign this origin's checkpoints; none for one that is not known."""
        return self._known.get(origin, ())

    def origins(self) -> tuple[str, ...]:
        """Every origin that is known."""
        return tuple(self._known)

    def refresh(self) -> tuple[str, ...]:
        """Read the log lists again; returns those that could not be read, each with the reason."""
        troubles = []
        for place in self._places:
            try:
                self._lists[place] = tuple(_log_keys(self._read(place)))
            except (OSError, SourceError, MalformedInput) as error:
                troubles.append(f"could not read the log list {place}: {error}")
                continue
            read = [self._lists[known] for known in self._places if known in self._lists]
            self._known = MappingProxyType(_by_origin([self._keys, *read]))  # at once: the next may be slow
        return tuple(troubles)

    def _read(self, place: str) -> LogList:
        if urlsplit(place).scheme in {"http", "https"}:
            return parse_log_list(self._fetcher.get(place, limit=MAX_LOG_LIST_SIZE), place)
        return parse_log_list(Path(place).read_bytes(), place)


def _log_keys(log_list: LogList) -> Iterable[LogKey]:
    for log in log_list.logs:
        try:
            yield LogKey(log.checkpoint_origin, log.key, log.codepoint)
        except VerifierError as error:
            logger.warning("the log %s is not witnessed: %s", log.description, error)


def _by_origin(sources: Iterable[Iterable[LogKey]]) -> dict[str, tuple[LogKey, ...]]:
    known: dict[str, tuple[LogKey, ...]] = {}
    for source in sources:
        found: dict[str, tuple[LogKey, ...]] = {}
        for key in source:
            if key.origin not in known:
                found[key.origin] = (*found.get(key.origin, ()), key)
        known |= found
    return known
