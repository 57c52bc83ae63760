"""Fetching OCSP answers and CRLs from the pointers that the certificates themselves carry.

Nothing is decided here: ``verifier`` checks signatures, times and states of what comes back. An answer is
kept in memory until the time that its issuer named, or for a shorter while.
"""

import base64
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from asn1crypto import algos, core, ocsp
from cryptography import x509
from cryptography.x509 import ocsp as x509_ocsp

from proxy_addon.connect.fetch import Fetch
from proxy_addon.errors import FetchError
from verifier.certificates.certificate import Certificate

GET_LIMIT = 255  # RFC 5019 section 5: longer requests are sent by POST
OCSP_BYTES = 64 * 1024
KEEP = timedelta(hours=1)
KEEP_DEMO = timedelta(seconds=2)
KEEP_FAILURE = timedelta(seconds=30)
CACHE_BYTES = 64 * 1024 * 1024
POINTERS = 2  # how many addresses of one kind are tried for one certificate
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was fetched for one chain; the bytes are not yet verified."""

    ocsp_responses: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    content: bytes
    error: str
    until: float


class Revocations:
    """Fetches and remembers; may be asked from several threads at once."""

    def __init__(self, fetch: Fetch, *, keep: timedelta = KEEP) -> None:
        self._fetch = fetch
        self._keep = keep
        self._kept: OrderedDict[tuple[str, bytes], _Entry] = OrderedDict()
        self._asking: dict[tuple[str, bytes], threading.Lock] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, "revocation")

    def gather(self, path: Sequence[Certificate], *, stapled: bool) -> Revocation:
        """Fetch for each certificate of ``path`` (leaf first, anchor last) but the anchor.

        With a stapled response the leaf's own pointers are left alone.
        """
        pairs = list(pairwise(path))
        found = list(self._workers.map(lambda pair: self._one(*pair), pairs[1 if stapled else 0 :]))
        return Revocation(
            tuple(answer for one in found for answer in one.ocsp_responses),
            tuple(crl for one in found for crl in one.crls),
            tuple(error for one in found for error in one.errors),
        )

    def close(self) -> None:
        """Stop the threads; running fetches end by their own time limits."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _one(self, certificate: Certificate, issuer: Certificate) -> Revocation:
        """Ask by OCSP where there is a responder, else take the CRL; the other one when the first fails."""
        errors: list[str] = []
        if certificate.ocsp_urls:
            request = ocsp_request(certificate, issuer)
            for url in certificate.ocsp_urls[:POINTERS]:
                content, error = self._remembered(url, request)
                if not error:
                    return Revocation(ocsp_responses=(content,))
                errors.append(error)
        for url in certificate.crl_urls[:POINTERS]:
            content, error = self._remembered(url, b"")
            if not error:
                return Revocation(crls=(content,), errors=tuple(errors))
            errors.append(error)
        return Revocation(errors=tuple(errors))

    def _remembered(self, url: str, request: bytes) -> tuple[bytes, str]:
        key = (url, request)
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:  # the same question is asked once, however many connections wait for it
            entry = self._kept.get(key)
            if entry is None or entry.until < time.monotonic():
                entry = self._ask(url, request)
                self._keep_entry(key, entry)
        return entry.content, entry.error

    def _ask(self, url: str, request: bytes) -> _Entry:
        try:
            content = self._ask_ocsp(url, request) if request else self._fetch(url)
        except FetchError as error:
            keep = min(KEEP_FAILURE, self._keep)
            return _Entry(b"", str(error), time.monotonic() + keep.total_seconds())
        keep = min(self._keep, _fresh_for(content, is_ocsp=bool(request)))
        return _Entry(content, "", time.monotonic() + keep.total_seconds())

    def _ask_ocsp(self, url: str, request: bytes) -> bytes:
        encoded = base64.b64encode(request).decode("ascii").translate({43: "%2B", 47: "%2F", 61: "%3D"})
        if len(encoded) <= GET_LIMIT:
            try:
                return self._fetch(f"{url.rstrip('/')}/{encoded}", limit=OCSP_BYTES)
            except FetchError as error:
                if "status" not in str(error):  # nobody answered: POST would not help
                    raise
        return self._fetch(url, body=request, content_type="application/ocsp-request", limit=OCSP_BYTES)

    def _keep_entry(self, key: tuple[str, bytes], entry: _Entry) -> None:
        with self._lock:
            self._kept[key] = entry
            self._kept.move_to_end(key)
            while (
                sum(len(kept.content) for kept in self._kept.values()) > CACHE_BYTES and len(self._kept) > 1
            ):
                oldest, _ = self._kept.popitem(last=False)
                self._asking.pop(oldest, None)


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """Return an OCSPRequest (RFC 6960 section 4.1), with a SHA-1 CertID as RFC 5019 has it."""
    identifier = {
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha1"}),
        "issuer_name_hash": hashlib.sha1(certificate.issuer_der, usedforsecurity=False).digest(),
        "issuer_key_hash": hashlib.sha1(_public_key_bits(issuer), usedforsecurity=False).digest(),
        "serial_number": certificate.serial,
    }
    request: Any = ocsp.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": identifier}]}})
    return bytes(request.dump())


def _public_key_bits(certificate: Certificate) -> bytes:
    """Return the subjectPublicKey without tag, length and unused bits, as CertID hashes it."""
    fields: Any = core.Sequence.load(certificate.public_key.spki)
    return bytes(fields[1].contents[1:])


def _fresh_for(content: bytes, *, is_ocsp: bool) -> timedelta:
    """Return how long until the answer's own nextUpdate; zero for what cannot be read or is past."""
    try:
        if is_ocsp:
            until = x509_ocsp.load_der_ocsp_response(content).next_update_utc
        else:
            until = x509.load_der_x509_crl(content).next_update_utc
    except (ValueError, TypeError):
        return timedelta()
    return max(timedelta(), until - datetime.now(UTC)) if until is not None else timedelta(minutes=1)
