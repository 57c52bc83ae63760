"""HTTP to one witness that may be slow, broken or hostile: every answer is bounded in time and bytes."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tlog.errors import TlogError
from verifier.errors import MalformedInput
from verifier.transparency.add_checkpoint import MAX_ANSWER_SIZE, SIZE_TYPE, AddCheckpoint, parse_cosignatures
from verifier.transparency.checkpoint import parse_size
from verifier.transparency.cosignature import Witness
from verifier.transparency.note import NoteSignature

ANSWER_SECONDS: Final = 10.0
"""A witness verifies one signature and syncs one small write."""

_STALE: Final = (http.client.RemoteDisconnected, ConnectionError)
_SHOWN: Final = 200  # characters of what a witness says


class WitnessTrouble(TlogError):
    """A witness gave no cosignature; the message says why, for the operator."""


class WitnessAhead(WitnessTrouble):
    """The witness has cosigned more entries than the log has."""


class WitnessHasSize(TlogError):
    """The witness answered 409: the last checkpoint that it cosigned has ``size`` entries."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the witness has cosigned {size} entries")
        self.size = size


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness as a log is configured with it: the submission prefix, and who signs there.

    ``ca``, certificates in PEM, is trusted for its https in place of the system's roots.
    """

    url: str
    witness: Witness
    ca: Path | None = None


class WitnessClient:
    """Asks one witness over a connection that is kept. For one thread."""

    def __init__(self, url: str, ca: Path | None = None, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/") + "/add-checkpoint"
        self._ca = ca
        self._seconds = answer_seconds
        self._kept: http.client.HTTPConnection | None = None

    def add(self, request: AddCheckpoint) -> tuple[NoteSignature, ...]:
        """Return the signature lines of the answer, not verified; raises WitnessHasSize, WitnessTrouble."""
        status, kind, body = self._post(request.encode())
        try:
            if status == http.client.OK:
                return parse_cosignatures(body)
            if status == http.client.CONFLICT and kind == SIZE_TYPE:
                raise WitnessHasSize(parse_size(body.decode("ascii").removesuffix("\n"), "answer 409"))
        except (MalformedInput, UnicodeDecodeError) as error:
            raise WitnessTrouble(f"its answer is malformed: {error}") from error
        said = body[:_SHOWN].decode("utf-8", "replace").strip()
        raise WitnessTrouble(
            f"it answered {status}: {said}" if said.isprintable() else f"it answered {status}"
        )

    def cut(self) -> None:
        """Let a request under way fail; any thread may call this."""
        if (kept := self._kept) is not None:
            _cut(kept)

    def close(self) -> None:
        """Close the kept connection."""
        if self._kept is not None:
            self._kept.close()

    def _post(self, body: bytes) -> tuple[int, str, bytes]:
        try:
            if self._kept is not None:
                with suppress(*_STALE):  # an idle connection that was closed meanwhile is no failure
                    return self._exchange(self._kept, body)
            return self._exchange(self._connection(), body)
        except TimeoutError as error:
            raise WitnessTrouble(f"no whole answer within {self._seconds:g} s") from error
        except ssl.SSLCertVerificationError as error:
            raise WitnessTrouble(f"its certificate is refused: {error.verify_message}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise WitnessTrouble(f"it could not be reached: {error or type(error).__name__}") from error

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            context = self._trust()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._seconds, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._ca)
        except OSError as error:
            raise WitnessTrouble(f"could not read the certificates in {self._ca}: {error}") from error

    def _exchange(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, str, bytes]:
        """One request; the connection is kept only when the whole answer was read."""
        self._kept = connection
        try:
            with _deadline(connection, self._seconds):
                headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "mingjing-log"}
                connection.request("POST", self._path, body, headers)
                answer = connection.getresponse()
                data = answer.read(MAX_ANSWER_SIZE + 1)
            if len(data) > MAX_ANSWER_SIZE:
                raise WitnessTrouble(f"its answer has more than {MAX_ANSWER_SIZE} bytes")
        except BaseException:
            self._kept = None
            connection.close()
            raise
        return answer.status, answer.headers.get_content_type(), data


@contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the connection after so many seconds, however its bytes drip; raises TimeoutError then."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        _cut(connection)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def _cut(connection: http.client.HTTPConnection) -> None:
    """End whatever waits for this connection's bytes, in whichever thread."""
    with suppress(OSError, AttributeError):  # it is not open, or not any more
        connection.sock.shutdown(socket.SHUT_RDWR)
