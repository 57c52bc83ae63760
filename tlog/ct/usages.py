"""Extended key usages by the names that people know them by (RFC 5280 section 4.2.1.12)."""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

ANY_USAGE: Final = "2.5.29.37.0"
NAMES: Final = MappingProxyType({
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3",
    "emailProtection": "1.3.6.1.5.5.7.3.4",
    "timeStamping": "1.3.6.1.5.5.7.3.8",
    "OCSPSigning": "1.3.6.1.5.5.7.3.9",
    "documentSigning": "1.3.6.1.5.5.7.3.36",
})

_BY_LOWER_NAME = {name.lower(): oid for name, oid in NAMES.items()}
_BY_OID = {oid: name for name, oid in NAMES.items()}
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,19})){1,30}", re.ASCII)


def usage_oid(text: str) -> str:
    """Return the dotted OID of a usage given by name or OID; raises ValueError that lists the names."""
    if (oid := _BY_LOWER_NAME.get(text.lower())) is not None:
        return oid
    if not _OID.fullmatch(text):
        raise ValueError(f"expected {', '.join(NAMES)} or an OID such as 1.3.6.1.5.5.7.3.1, not {text!r}")
    return text


def usage_names(oids: Iterable[str]) -> str:
    """Return the usages for a sentence, each by its name where it has one."""
    return ", ".join(_BY_OID.get(oid, oid) for oid in oids)
