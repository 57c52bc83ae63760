"""What somebody brings to be inspected: certificates in any of the forms in which people have them.

PEM, DER, base64 without its frame, and PKCS #7 (RFC 2315, GM/T 0010) are read. Whatever else it is, is
named; nothing of it is kept, logged or repeated, least of all a private key.
"""

import base64
import re
from collections.abc import Iterable
from typing import Final

from asn1crypto import cms

from verifier.certificates import Certificate, load_pem_chain
from verifier.errors import MalformedInput
from web.public.errors import BadParameter
from web.public.language import Text, say

MOST_CERTIFICATES: Final = 10
_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_BLOCK = re.compile(rb"-----BEGIN (?:PKCS7|PKCS #7|CMS)-----([A-Za-z0-9+/=\s]+)-----END ")
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{40,}={0,2}\s*")
_SEQUENCE, _INTEGER, _OID = 0x30, 0x02, 0x06
_SIGNED_DATA: Final = ("1.2.840.113549.1.7.2", "1.2.156.10197.6.1.4.2.2")
_PKCS7: Final = frozenset({"PKCS7", "PKCS #7", "CMS"})
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, MalformedInput)
_REQUEST = say("This is a request for a certificate. Bring the certificate that the CA made of it.")
_OTHERS: Final = {
    "CERTIFICATE REQUEST": _REQUEST,
    "NEW CERTIFICATE REQUEST": _REQUEST,
    "X509 CRL": say("This is a revocation list. Bring one of the certificates instead."),
    "PUBLIC KEY": say("This is a public key alone. Bring the certificate that carries it."),
    "TRUSTED CERTIFICATE": say(
        "This is a form of OpenSSL's own. Write it as a plain one: openssl x509 -in FILE"
    ),
}


def read_brought(content: bytes) -> tuple[Certificate, ...]:
    """Return the certificates, the one in question first. Raises BadParameter that says what was expected."""
    if not content.strip():
        raise _wrong(say("Paste a certificate or choose its file."))
    labels = [label.decode() for label in _LABEL.findall(content)]
    if any("PRIVATE KEY" in label for label in labels):
        raise _wrong(_private())
    for label in labels:
        if label in _OTHERS:
            raise _wrong(_OTHERS[label])
    try:
        found = _read(content, labels)
    except _UNREADABLE as error:
        expected = "Expected certificates in PEM, DER or PKCS #7, the site's own first."
        reason = f" ({error})" if labels and isinstance(error, MalformedInput) else ""  # names the block
        raise _wrong(say("{expected}{reason}", expected=say(expected), reason=reason)) from error
    if len(found) > MOST_CERTIFICATES:
        raise _wrong(
            say("Send at most {most} certificates, not {count}.", most=MOST_CERTIFICATES, count=len(found))
        )
    return found


def _wrong(message: Text) -> BadParameter:
    return BadParameter(message, field="certificate")


def _private() -> Text:
    return say(
        "This is, or holds, a private key. It was neither kept nor written down here, but it has left "
        "its machine: have a new key certified, and never send a key to anybody. "
        "The certificate alone is enough."
    )


def _read(content: bytes, labels: list[str]) -> tuple[Certificate, ...]:
    if _PKCS7 & set(labels):
        return _signed_data(b"".join(base64.b64decode(block) for block in _BLOCK.findall(content)[:1]))
    if labels:
        return load_pem_chain(content)
    return _der(base64.b64decode(content) if _BASE64.fullmatch(content) else content)


def _der(content: bytes) -> tuple[Certificate, ...]:
    """Tell DER files apart by what stands first in them: a certificate begins with a SEQUENCE in another."""
    inner = _first_inside(content)
    if inner == _INTEGER:  # a version: PKCS #1, PKCS #8, SEC 1 and PKCS #12 begin so
        raise _wrong(_private())
    return _signed_data(content) if inner == _OID else (Certificate.parse(content),)


def _first_inside(content: bytes) -> int:
    if len(content) < 4 or content[0] != _SEQUENCE:  # noqa: PLR2004  tag and length, then the tag inside
        return -1
    at = 2 + (content[1] & 0x7F if content[1] & 0x80 else 0)
    return content[at] if at < len(content) else -1


def _signed_data(content: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a PKCS #7 file; its set has no order: what issued no other comes first."""
    whole = cms.ContentInfo.load(content, strict=True)
    if whole["content_type"].dotted not in _SIGNED_DATA:
        raise MalformedInput("PKCS #7: expected SignedData")
    held = whole["content"]
    data = held if isinstance(held, cms.SignedData) else cms.SignedData.load(held.parsed.untag().dump())
    found = [
        Certificate.parse(one.chosen.dump()) for one in list(data["certificates"])[: MOST_CERTIFICATES + 1]
    ]
    if not found:
        raise MalformedInput("PKCS #7: expected at least one certificate, found none")
    return tuple(_leaf_first(found))


def _leaf_first(found: Iterable[Certificate]) -> list[Certificate]:
    every = list(found)
    issuers = {one.issuer_der for one in every if not one.self_issued}
    return sorted(every, key=lambda one: (one.subject_der in issuers, one.is_ca, one.self_issued))
