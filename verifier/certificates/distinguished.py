"""Distinguished names as text (RFC 4514) and the parts that people know a certificate by.

Ordinary names are read here, whatever is rarer is left to the library: both give the same text.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from verifier.algorithms import der as asn1

_SET: Final = 0x31
_ATTRIBUTE_TYPE: Final = b"\x06\x03\x55\x04"  # id-at, 2.5.4; one more byte follows
_HEADER: Final = 11  # bytes before the value: SET, SEQUENCE, the type, tag and length
_UTF8, _PRINTABLE = 0x0C, 0x13
_COMMON_NAME, _COUNTRY, _ORGANISATION = 3, 6, 10
_KEYWORDS: Final = {
    _COMMON_NAME: "CN",
    _COUNTRY: "C",
    7: "L",
    8: "ST",
    9: "STREET",
    _ORGANISATION: "O",
    11: "OU",
}
_SIZES: Final = {_COMMON_NAME: range(1, 65), _COUNTRY: range(2, 3)}  # RFC 5280 appendix A.1
_ANY_SIZE: Final = range(1, 117)
_SPECIAL: Final = str.maketrans({c: f"\\{c}" for c in '\\"+,;<>'} | {"\0": "\\00"})  # RFC 4514 section 2.4
_TO_ESCAPE: Final = re.compile(r'[\\"+,;<>\0]|\A[# ]| \Z')
_REMEMBERED: Final = 4096  # the names in a log repeat their organisations and countries
_UNIQUE_ID: Final = 45  # x500UniqueIdentifier, a BIT STRING


class DistinguishedName(NamedTuple):
    """A name; of an attribute that is there several times the last, most specific value counts."""

    text: str
    common_name: str
    organisation: str


class _Attribute(NamedTuple):
    kind: int
    value: str
    text: str


def read_name(name: bytes) -> DistinguishedName | None:
    """The name in a Name element that the library has parsed; None when it is to give the text as well."""
    found: list[_Attribute] = []
    at, end = asn1.locate(name, 0, len(name), asn1.SEQUENCE, "certificate.Name")
    while at < end:
        begin = at
        _, at = asn1.locate(name, at, end, _SET, "certificate.Name.RelativeDistinguishedName")
        attribute = _attribute(name[begin:at])
        if attribute is None:
            return None
        found.append(attribute)
    if len(found) == 1:
        kind, value, text = found[0]
        return DistinguishedName(
            text, value if kind == _COMMON_NAME else "", value if kind == _ORGANISATION else ""
        )
    values = {kind: value for kind, value, _ in found}
    text = ",".join([attribute.text for attribute in reversed(found)])
    return DistinguishedName(text, values.get(_COMMON_NAME, ""), values.get(_ORGANISATION, ""))


@lru_cache(_REMEMBERED)
def _attribute(element: bytes) -> _Attribute | None:
    """The one attribute of a RelativeDistinguishedName, where it is an ordinary one."""
    size = len(element)
    if size <= _HEADER or element[2] != asn1.SEQUENCE or element[4:8] != _ATTRIBUTE_TYPE:
        return None
    kind, tag = element[8], element[9]
    if (element[1], element[3], element[10]) != (size - 2, size - 4, size - _HEADER):
        return None  # several attributes, or one longer than 127 bytes
    if tag not in {_UTF8, _PRINTABLE} or kind >= _UNIQUE_ID:
        return None
    if size - _HEADER not in _SIZES.get(kind, _ANY_SIZE):
        return None  # the library warns of it
    try:
        value = element[_HEADER:].decode("utf-8")
    except UnicodeDecodeError:
        return None
    return _Attribute(kind, value, f"{_KEYWORDS.get(kind) or f'2.5.4.{kind}'}={_escaped(value)}")


def _escaped(value: str) -> str:
    """A value as RFC 4514 section 2.4 writes it."""
    if not _TO_ESCAPE.search(value):
        return value
    text = value.translate(_SPECIAL)
    if value[0] == "#" or (value[0] == " " and len(value) > 1):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if value[-1] == " " else text


def from_library(name: x509.Name) -> DistinguishedName:
    """The name as the library reads it."""
    return DistinguishedName(
        name.rfc4514_string(), _last(name, NameOID.COMMON_NAME), _last(name, NameOID.ORGANIZATION_NAME)
    )


def _last(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    values = name.get_attributes_for_oid(oid)
    return str(values[-1].value) if values and isinstance(values[-1].value, str) else ""
