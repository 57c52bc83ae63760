"""Where a log's processor time goes: functions are wrapped, and each charges its own part to a name."""

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any


class Parts:
    """Processor time by name, over all threads; a function's own, less wrapped ones that it calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._open = threading.local()

    def wrap(self, name: str, owner: Any, *attributes: str) -> None:
        """Have these functions of a module or class charge ``name``."""
        for attribute in attributes:
            plain = owner.__dict__[attribute]
            wrapped = self._timed(name, plain.__func__ if isinstance(plain, classmethod) else plain)
            setattr(owner, attribute, classmethod(wrapped) if isinstance(plain, classmethod) else wrapped)

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            stack: list[float] = self._open.__dict__.setdefault("stack", [])
            stack.append(0.0)
            start = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                took = time.thread_time() - start
                within = stack.pop()
                if stack:
                    stack[-1] += took
                with self._lock:
                    self.seconds[name] += took - within

        return timed


def watch_log() -> Parts:
    """Wrap what a submission goes through, from the socket to the disk; before the log is opened."""
    import verifier.certificates.certificate as certificates
    from tlog import sequencer, storage
    from tlog.ct import admission, index, promises
    from tlog.lock import FileLock
    from tlog.tree import RightEdge
    from web.logs import app, connection, rfc6962, server

    parts = Parts()
    parts.wrap("HTTP", connection.Connection, "connection_made", "data_received", "answered")
    parts.wrap("HTTP", server, "encode")
    parts.wrap("HTTP", server.LogServer, "_send_ready", "_work")
    parts.wrap("JSON and base64", rfc6962, "_chain", "promise_response")
    parts.wrap("certificate parsing", certificates.Certificate, "parse")
    parts.wrap("chain signature", certificates.Certificate, "verify_signed_by")
    parts.wrap("admission, other", app.Application, "answer")
    parts.wrap("admission, other", admission.Admission, "admit")
    parts.wrap("SCT signature", promises.Promises, "_sign_part")
    parts.wrap("index (SQLite)", index.Index, "promise", "add")
    parts.wrap("leaves, tree, tiles", sequencer.Sequencer, "_objects")
    parts.wrap("leaves, tree, tiles", promises.CertificateDraft, "seal")
    parts.wrap("leaves, tree, tiles", RightEdge, "append", "root")
    parts.wrap("leaves, tree, tiles", sequencer, "hash_leaf", "encode")
    parts.wrap("storage and lock", storage.DirectoryStore, "create", "replace", "delete")
    parts.wrap("storage and lock", FileLock, "swap")
    parts.wrap("sequencer", sequencer.Sequencer, "submit", "flush")
    parts.wrap("sequencer", promises.Promises, "merged")
    return parts
