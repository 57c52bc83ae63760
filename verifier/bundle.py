"""The trust bundle: what a service tells its clients to trust, signed (a DSSE envelope around JSON).

A client knows one thing beforehand, the SHA-256 of the signer's SubjectPublicKeyInfo; everything else comes
with the bundle, from wherever it was fetched.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from verifier.algorithms import PublicKey, Signer
from verifier.certificates import CLOCK_SKEW, MAX_CERTIFICATE_SIZE, Certificate
from verifier.errors import InvalidSignature, MalformedInput
from verifier.policy import parse_policy
from verifier.transparency.log_list import LogList, encode_log_list, parse_log_list
from verifier.transparency.strict_json import JsonObject, encode_base64, parse_json

PAYLOAD_TYPE: Final = "application/vnd.mingjing.trust-bundle+json"
VERSION: Final = 1
MAX_BUNDLE_SIZE: Final = 4 * 1024 * 1024
"""Bytes of the envelope."""

_LONGEST_MERGE_DELAY = 366 * 24 * 3600  # seconds, as in log lists
_LOG_ID_SIZE = 32


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """What the clients of one service trust, from ``issued_at`` until ``expires_at`` (UTC, whole seconds).

    ``roots`` and ``issuers`` are the service's own; ``log_lists`` has at least "own"; ``policy`` is the text
    of a policy.toml. ``merge_delay`` is the logs' longest. ``signer`` is set on a bundle that was parsed.
    """

    issued_at: datetime
    expires_at: datetime
    public_url: str
    domain: str
    operator: str
    merge_delay: timedelta
    roots: tuple[Certificate, ...]
    issuers: tuple[Certificate, ...]
    log_lists: Mapping[str, LogList]
    distrusted_logs: frozenset[bytes]
    policy: str
    signer: PublicKey | None = field(default=None, compare=False)


def encode_trust_bundle(bundle: TrustBundle, signer: Signer) -> bytes:
    """The bundle as a signed DSSE envelope, in JSON.

    Raises PolicyError for a policy that clients would refuse, MalformedInput for a bundle without roots, and
    ValueError for times that are not aware or out of order.
    """
    parse_policy(bundle.policy, path_name="the trust bundle's policy")
    if not bundle.roots:
        raise MalformedInput("trust bundle.roots: expected at least one")
    if not bundle.issued_at < bundle.expires_at:
        raise ValueError("a trust bundle expires after it was issued")
    payload = json.dumps(_fields(bundle, signer.public_key), ensure_ascii=False).encode()
    signature = signer.sign(_pre_authentication(payload))
    envelope = {
        "payload": encode_base64(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": signer.public_key.key_id.hex(), "sig": encode_base64(signature)}],
    }
    return json.dumps(envelope, indent=1).encode() + b"\n"


def parse_trust_bundle(data: bytes, fingerprint: bytes, now: datetime) -> TrustBundle:
    """The bundle in a signed envelope, if the key with this fingerprint signed it.

    1. The envelope is DSSE's, for our type of payload.
    2. The payload names its signer, whose SubjectPublicKeyInfo hashes to ``fingerprint``.
    3. The signature is that key's, over type and payload (DSSE's pre-authentication encoding).
    4. The payload is as ``TrustBundle`` has it, and not dated in the future.

    A bundle past its ``expires_at`` is returned too: ``judge`` refuses with it, and says why. A caller who
    has a bundle already must not take an older one. Raises MalformedInput or InvalidSignature.
    """
    envelope = parse_json(data, "trust bundle", maximum=MAX_BUNDLE_SIZE)
    if envelope.text("payloadType") != PAYLOAD_TYPE:
        raise envelope.error("payloadType", f"expected {PAYLOAD_TYPE}")
    payload = envelope.base64("payload")
    signatures = [signature.base64("sig") for signature in envelope.objects("signatures")]
    if len(signatures) != 1:
        raise envelope.error("signatures", "expected one")
    fields = parse_json(payload, "trust bundle.payload", maximum=MAX_BUNDLE_SIZE)
    signer = PublicKey.from_spki(fields.base64("signer"))
    if signer.key_id != fingerprint:
        raise InvalidSignature(
            f"trust bundle: signed by {signer.key_id.hex()}, expected the key {fingerprint.hex()}"
        )
    signer.verify(signatures[0], _pre_authentication(payload))
    return _bundle(fields, payload, signer, now)


def _pre_authentication(payload: bytes) -> bytes:
    """What is signed: PAE of DSSE's protocol.md, so that type and payload cannot be taken apart."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _fields(bundle: TrustBundle, signer: PublicKey) -> dict[str, object]:
    return {
        "version": VERSION,
        "issued_at": _time(bundle.issued_at),
        "expires_at": _time(bundle.expires_at),
        "public_url": bundle.public_url,
        "domain": bundle.domain,
        "operator": bundle.operator,
        "merge_delay": int(bundle.merge_delay.total_seconds()),
        "signer": encode_base64(signer.spki),
        "roots": [certificate.pem for certificate in bundle.roots],
        "issuers": [certificate.pem for certificate in bundle.issuers],
        "log_lists": {name: _log_list(found, bundle.issued_at) for name, found in bundle.log_lists.items()},
        "distrusted_logs": sorted(encode_base64(log_id) for log_id in bundle.distrusted_logs),
        "policy": bundle.policy,
    }


def _log_list(log_list: LogList, listed_at: datetime) -> Mapping[str, object]:
    operators: dict[str, tuple[str, ...]] = dict.fromkeys(log_list.operators, ())
    return encode_log_list(log_list.logs, operators, timestamp=log_list.timestamp or listed_at)


def _bundle(fields: JsonObject, payload: bytes, signer: PublicKey, now: datetime) -> TrustBundle:
    if fields.integer("version", maximum=VERSION) != VERSION:
        raise fields.error("version", f"expected {VERSION}")
    issued_at, expires_at = fields.time("issued_at"), fields.time("expires_at")
    if issued_at > now + CLOCK_SKEW:
        raise fields.error("issued_at", "expected a time in the past; is this machine's clock right?")
    if issued_at >= expires_at:
        raise fields.error("expires_at", "expected a time after issued_at")
    roots = _certificates(fields, "roots")
    if not roots:
        raise fields.error("roots", "expected at least one")
    return TrustBundle(
        issued_at=issued_at,
        expires_at=expires_at,
        public_url=fields.text("public_url"),
        domain=fields.text("domain"),
        operator=fields.text("operator"),
        merge_delay=timedelta(seconds=fields.integer("merge_delay", maximum=_LONGEST_MERGE_DELAY)),
        roots=roots,
        issuers=_certificates(fields, "issuers"),
        log_lists=_log_lists(fields, payload),
        distrusted_logs=_log_ids(fields),
        policy=fields.text("policy"),
        signer=signer,
    )


def _certificates(fields: JsonObject, name: str) -> tuple[Certificate, ...]:
    try:
        return tuple(Certificate.from_pem(text) for text in _bounded(fields.texts(name)))
    except MalformedInput as error:
        raise fields.error(name, str(error)) from error


def _bounded(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        if len(text) > 2 * MAX_CERTIFICATE_SIZE:
            raise MalformedInput("expected a certificate of ordinary size")
        yield text


def _log_lists(fields: JsonObject, payload: bytes) -> dict[str, LogList]:
    """The lists, each parsed as one that was fetched; ``payload`` has passed the strict parser already."""
    if "own" not in fields.member("log_lists"):
        raise fields.error("log_lists", "expected the service's own, it is missing")
    documents: dict[str, object] = json.loads(payload)["log_lists"]
    return {name: parse_log_list(json.dumps(document).encode(), name) for name, document in documents.items()}


def _log_ids(fields: JsonObject) -> frozenset[bytes]:
    log_ids = fields.base64s("distrusted_logs")
    if any(len(log_id) != _LOG_ID_SIZE for log_id in log_ids):
        raise fields.error("distrusted_logs", f"expected log ids of {_LOG_ID_SIZE} bytes")
    return frozenset(log_ids)


def _time(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a trust bundle's times are aware")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
