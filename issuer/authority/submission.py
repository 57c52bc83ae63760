"""Asking logs for SCTs over HTTP, as any CA does (RFC 6962 sections 4.1 and 4.2)."""

import base64
import binascii
import datetime as dt
import json
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import urllib3

from issuer.authority.choice import choose_logs
from issuer.errors import LogSubmissionFailed
from issuer.settings import LogEndpoint, SubmissionSettings
from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.transparency.entries import Entry, PrecertEntry
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.verify import verify_sct

MAXIMUM_ANSWER = 65536  # octets; an SCT in JSON takes about 400
CLOCK_ALLOWANCE = dt.timedelta(minutes=5)
_BUSY = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})


class LogClient:
    """An SctSource: gets the verified SCTs that a certificate needs, from all logs at once."""

    def __init__(
        self,
        logs: Sequence[LogEndpoint],
        settings: SubmissionSettings,
        *,
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None] = time.sleep,
        promises: int = 0,
    ) -> None:
        self._logs = tuple(logs)
        self._promises = promises
        self._settings = settings
        self._clock = clock
        self._sleep = sleep

    def __call__(self, chain: Sequence[bytes], entry: Entry) -> tuple[SignedCertificateTimestamp, ...]:
        """Return the SCTs in the order of `choose_logs`; the entry says which kind of chain it is.

        Where a log gives none that verifies, the next of its kind is asked.

        :raises LogSubmissionFailed: for the first log, in that order, that gave none, nor did another for it.
        """
        if not self._logs and not self._promises:
            return ()
        chosen = choose_logs(self._logs, Certificate.parse(chain[0]).not_after, self._promises)
        body = json.dumps({"chain": [base64.b64encode(der).decode() for der in chain]}).encode()
        # A pool of connections for each call: submissions are rare, and nothing stays open between them.
        with (
            ThreadPoolExecutor(len(chosen)) as workers,
            urllib3.PoolManager(maxsize=len(chosen)) as http,
        ):
            answers = [workers.submit(self._submit_to_one, http, logs, body, entry) for logs in chosen]
            return tuple(answer.result() for answer in answers)

    def _submit_to_one(
        self, http: urllib3.PoolManager, logs: Sequence[LogEndpoint], body: bytes, entry: Entry
    ) -> SignedCertificateTimestamp:
        """Ask the logs in turn until one gives an SCT; raises what the first one raised."""
        failures = []
        for log in logs:
            try:
                return self._submit(http, log, body, entry)
            except LogSubmissionFailed as error:
                failures.append(error)
        raise failures[0]

    def _submit(
        self, http: urllib3.PoolManager, log: LogEndpoint, body: bytes, entry: Entry
    ) -> SignedCertificateTimestamp:
        path = "add-pre-chain" if isinstance(entry, PrecertEntry) else "add-chain"
        sct = _read_sct(log, self._post(http, log, path, body))
        if sct.log_id != log.key.key_id:
            raise LogSubmissionFailed(log.name, "its SCT carries another log's id")
        if sct.time > self._clock() + CLOCK_ALLOWANCE:
            raise LogSubmissionFailed(log.name, f"its SCT is dated {sct.time}, in the future")
        try:
            verify_sct(sct, entry, log.key)
        except VerifierError as error:
            raise LogSubmissionFailed(log.name, f"its SCT does not verify: {error}") from error
        return sct

    def _post(self, http: urllib3.PoolManager, log: LogEndpoint, path: str, body: bytes) -> bytes:
        """Return the body of the answer with status 200, waiting out short refusals."""
        for attempt in range(1, self._settings.attempts + 1):
            status, retry_after, answer = self._post_once(http, log, path, body)
            if status == HTTPStatus.OK:
                return answer
            if status not in _BUSY:
                raise LogSubmissionFailed(log.name, f"it answered {status}: {_excerpt(answer)}")
            wait = _seconds(retry_after)
            if attempt == self._settings.attempts or wait > self._settings.patience.total_seconds():
                break
            self._sleep(wait)
        asked = f", and asks to wait {retry_after} s" if retry_after else ""
        raise LogSubmissionFailed(log.name, f"it is busy (HTTP {status}){asked}; try again later")

    def _post_once(
        self, http: urllib3.PoolManager, log: LogEndpoint, path: str, body: bytes
    ) -> tuple[int, str, bytes]:
        try:
            response = http.request(
                "POST",
                f"{log.url.rstrip('/')}/ct/v1/{path}",
                body=body,
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(total=self._settings.timeout.total_seconds()),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            with response:
                answer = response.read(MAXIMUM_ANSWER + 1)
                response.drain_conn() if len(answer) <= MAXIMUM_ANSWER else response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise LogSubmissionFailed(log.name, f"{log.url} cannot be reached: {_reason(error)}") from error
        if len(answer) > MAXIMUM_ANSWER:
            raise LogSubmissionFailed(log.name, f"its answer is longer than {MAXIMUM_ANSWER} octets")
        return response.status, response.headers.get("Retry-After", ""), answer


def _reason(error: Exception) -> str:
    """Return urllib3's words without the objects and numbers that it puts around them."""
    text = str(error.args[-1] if error.args else error)
    return re.sub(r"^\w*Connection\w*\([^)]*\): |\[Errno -?\d+\] ", "", text)


def _seconds(retry_after: str) -> float:
    """Return RFC 9110 section 10.2.3 delay-seconds; one second where there is none that is understood."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 1.0


def _excerpt(answer: bytes) -> str:
    text = answer[:200].decode("utf-8", "replace")
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _field(log: LogEndpoint, answer: dict[str, Any], name: str) -> bytes:
    value = answer.get(name)
    if not isinstance(value, str):
        raise LogSubmissionFailed(log.name, f"its answer has no text in {name!r}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LogSubmissionFailed(log.name, f"{name!r} of its answer is not base64") from error


def _read_sct(log: LogEndpoint, body: bytes) -> SignedCertificateTimestamp:
    """Read the JSON of RFC 6962 section 4.1 into the TLS structure of section 3.2."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise LogSubmissionFailed(log.name, f"its answer is not JSON: {_excerpt(body)}") from error
    if not isinstance(answer, dict):
        raise LogSubmissionFailed(log.name, "its answer is not a JSON object")
    version, timestamp = answer.get("sct_version"), answer.get("timestamp")
    if version != 0 or isinstance(version, bool):
        raise LogSubmissionFailed(log.name, f"its SCT is of version {version!r}; only v1 (0) is known")
    if not isinstance(timestamp, int) or isinstance(timestamp, bool) or not 0 <= timestamp < 1 << 64:
        raise LogSubmissionFailed(log.name, "its SCT has no timestamp in milliseconds")
    log_id, more, signature = (_field(log, answer, name) for name in ("id", "extensions", "signature"))
    if len(log_id) != 32 or len(more) >= 1 << 16:  # noqa: PLR2004 - LogID and CtExtensions of section 3.2
        raise LogSubmissionFailed(log.name, "its SCT has a log id or extensions of an impossible length")
    encoded = b"\0" + log_id + timestamp.to_bytes(8) + len(more).to_bytes(2) + more + signature
    try:
        return SignedCertificateTimestamp.parse(encoded)
    except VerifierError as error:
        raise LogSubmissionFailed(log.name, f"its SCT is malformed: {error}") from error
