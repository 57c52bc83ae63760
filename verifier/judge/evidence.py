"""What one connection showed: gathered at the edge, judged here."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from verifier.errors import MalformedInput
from verifier.judge.verdict import load_object

MAX_EVIDENCE_SIZE: Final = 48 * 1024 * 1024
"""Bytes of JSON: sixteen certificates and the revocation lists of a large issuer, in base64."""


class Handshake(StrEnum):
    """How far the connection came."""

    ESTABLISHED = "established"
    CLEARTEXT = "cleartext"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that ``judge`` looks at. Names are OpenSSL's and IANA's; bytes are as they came.

    ``protocol`` is ``TLSv1.3``, ``TLSv1.2``, ``TLCP`` or whatever the library named; ``cipher`` the suite
    (``TLS_SM4_GCM_SM3``), ``group`` the key agreement (``curveSM2``), ``signature_scheme`` the server's
    handshake signature (``sm2sig_sm3``). ``chain`` is DER, the leaf first. ``tls_scts`` is the
    SignedCertificateTimestampList of the TLS extension, ``stapled_ocsp`` the stapled OCSPResponse.
    ``ocsp_responses`` and ``crls`` were fetched besides, and ``revocation_errors`` says in words what could
    not be fetched.
    """

    host: str
    port: int
    handshake: Handshake
    failure: str = ""
    protocol: str = ""
    cipher: str = ""
    group: str = ""
    signature_scheme: str = ""
    alpn: str = ""
    chain: tuple[bytes, ...] = ()
    tls_scts: bytes | None = None
    stapled_ocsp: bytes | None = None
    ocsp_responses: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    revocation_errors: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON; bytes in base64."""
        return {
            **{name: str(getattr(self, name)) for name in _TEXTS},
            "port": self.port,
            "handshake": self.handshake.value,
            **{name: _encoded(getattr(self, name)) for name in _OPTIONAL_BYTES},
            **{name: [_encoded(item) for item in getattr(self, name)] for name in _BYTES_LISTS},
            "revocation_errors": list(self.revocation_errors),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of ``to_dict``. Raises MalformedInput."""
        try:
            if type(value["port"]) is not int:
                raise TypeError("port: expected an integer")
            return cls(
                host=_text(value["host"]),
                port=value["port"],
                handshake=Handshake(value["handshake"]),
                failure=_text(value["failure"]),
                protocol=_text(value["protocol"]),
                cipher=_text(value["cipher"]),
                group=_text(value["group"]),
                signature_scheme=_text(value["signature_scheme"]),
                alpn=_text(value["alpn"]),
                chain=_byte_strings(value["chain"]),
                tls_scts=_optional(value["tls_scts"]),
                stapled_ocsp=_optional(value["stapled_ocsp"]),
                ocsp_responses=_byte_strings(value["ocsp_responses"]),
                crls=_byte_strings(value["crls"]),
                revocation_errors=tuple(_text(item) for item in _list(value["revocation_errors"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedInput(f"evidence: expected the fields of Evidence.to_dict, {error!r}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The reverse of ``to_json``. Raises MalformedInput."""
        return cls.from_dict(load_object(text, "evidence", MAX_EVIDENCE_SIZE))


_TEXTS = ("host", "failure", "protocol", "cipher", "group", "signature_scheme", "alpn")
_OPTIONAL_BYTES = ("tls_scts", "stapled_ocsp")
_BYTES_LISTS = ("chain", "ocsp_responses", "crls")


def _encoded(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{value!r}: expected base64")
    return base64.b64decode(value, validate=True)


def _optional(value: object) -> bytes | None:
    return None if value is None else _decoded(value)


def _byte_strings(value: object) -> tuple[bytes, ...]:
    return tuple(_decoded(item) for item in _list(value))


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r}: expected a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r}: expected a string")
    return value
