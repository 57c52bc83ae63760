"""A store and a lock whose calls fail, or hang until the process is killed, with or without having stored."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tlog.errors import StorageError

FAILING = ("fails", "fails but persisted")
HANGING = ("hangs", "hangs but persisted")


@dataclass
class Fault:
    """Counts calls of one kind once it is armed, and lets the chosen one (from 1) go wrong."""

    step: str
    number: int
    mode: str
    armed: bool = False
    calls: int = 0
    hits: int = 0
    struck: threading.Event = field(default_factory=threading.Event)
    killed: threading.Event = field(default_factory=threading.Event)
    """Set when the process is taken to be dead: the call that hangs ends, and no other one does anything."""

    def around(self, step: str, call: Callable[[], Any]) -> Any:
        if self.killed.is_set():
            raise StorageError("this process is dead")
        if not self.armed or step != self.step:
            return call()
        self.calls += 1
        if self.calls != self.number:
            return call()
        self.hits += 1
        if self.mode.endswith("but persisted"):
            call()
        self.struck.set()
        if self.mode in HANGING:
            self.killed.wait()
        raise StorageError(f"{step} was made to fail")


@dataclass
class FaultyStore:
    """The store behind a fault; a batch is written object by object, so that the fault may split it."""

    inner: Any
    fault: Fault

    def read(self, key: str) -> bytes:
        return self.fault.around("read", lambda: self.inner.read(key))

    def create(self, objects: Mapping[str, bytes]) -> None:
        for key, data in objects.items():
            self.fault.around("create", lambda key=key, data=data: self.inner.create({key: data}))

    def replace(self, key: str, data: bytes) -> None:
        self.fault.around("replace", lambda: self.inner.replace(key, data))

    def delete(self, key: str) -> None:
        self.fault.around("delete", lambda: self.inner.delete(key))

    def keys(self, prefix: str) -> Iterator[str]:
        return iter(self.fault.around("keys", lambda: list(self.inner.keys(prefix))))


@dataclass
class FaultyLock:
    """The lock behind a fault."""

    inner: Any
    fault: Fault

    def load(self) -> bytes | None:
        return self.fault.around("load", self.inner.load)

    def swap(self, expected: bytes | None, new: bytes) -> None:
        self.fault.around("swap", lambda: self.inner.swap(expected, new))

    def close(self) -> None:
        self.inner.close()
