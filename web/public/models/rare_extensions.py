"""Extensions of other makers and lands that may stand in a certificate: read for show, never relied on.

Readers are as in :mod:`web.public.models.extension_readers`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from asn1crypto import core, x509

from web.public.language import Text, join, say
from web.public.models.extension_names import PURPOSES, STATEMENTS, TYPES
from web.public.models.extension_readers import Lines, Reader, bits, named, octets

_NETSCAPE: Final = (
    "TLS client", "TLS server", "S/MIME", "object signing", "reserved", "TLS CA", "S/MIME CA",
    "object signing CA",
)  # fmt: skip


class _Related(core.Sequence):  # type: ignore[misc]  # RFC 9763 section 4.1
    _fields: ClassVar = [("hash_algorithm", core.Any), ("hash_value", core.OctetString)]


class _Statement(core.Sequence):  # type: ignore[misc]  # RFC 3739 section 3.2.6
    _fields: ClassVar = [
        ("statement_id", core.ObjectIdentifier),
        ("statement_info", core.Any, {"optional": True}),
    ]


class _Statements(core.SequenceOf):  # type: ignore[misc]
    _child_spec: ClassVar = _Statement


class _Template(core.Sequence):  # type: ignore[misc]  # MS-CRTD
    _fields: ClassVar = [
        ("template_id", core.ObjectIdentifier),
        ("major_version", core.Integer, {"optional": True}),
        ("minor_version", core.Integer, {"optional": True}),
    ]


class _Policy(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("identifier", core.ObjectIdentifier), ("qualifiers", core.Any, {"optional": True})]


class _Policies(core.SequenceOf):  # type: ignore[misc]
    _child_spec: ClassVar = _Policy


class _Organisation(core.Sequence):  # type: ignore[misc]  # CA/Browser Forum, EV guidelines 9.8.2
    _fields: ClassVar = [
        ("scheme", core.PrintableString),
        ("country", core.PrintableString),
        ("state", core.PrintableString, {"implicit": 0, "optional": True}),
        ("reference", core.UTF8String),
    ]


def _related(value: bytes) -> Lines:
    yield bytes(_Related.load(value, strict=True)["hash_value"].native).hex()


def _attributes(value: bytes) -> Lines:
    for attribute in x509.Attributes.load(value, strict=True):
        kind = attribute["type"].dotted
        for one in attribute["values"]:
            yield f"{kind}: {_plain(one)}"


def _plain(value: Any) -> str:
    held = value.parsed if isinstance(value, core.Any) else value
    native = held.native
    return str(native) if type(native) in {str, int} else held.dump().hex()


def _statements(value: bytes) -> Lines:
    for statement in _Statements.load(value, strict=True):
        oid, info = statement["statement_id"].dotted, statement["statement_info"]
        name = say(STATEMENTS[oid]) if oid in STATEMENTS else Text(oid, oid)
        said = (
            _statement(oid, info.parsed) if isinstance(info, core.Any) and info.contents is not None else ""
        )
        yield say("{kind}: {where}", kind=name, where=said) if said else name


def _statement(oid: str, held: Any) -> Text | str:
    native = held.native
    parts = list(native.values()) if isinstance(native, Mapping) else []
    if oid.endswith(".1862.1.6"):
        return join(", ", [say(TYPES.get(one, one)) for one in parts])
    if oid.endswith(".1862.1.5"):
        return join(", ", [f"{one['0']} ({one['1']})" for one in parts])
    if oid.endswith(".1862.1.2"):
        currency, amount, exponent = parts
        return f"{amount} × 10^{exponent} {currency}"
    if oid.endswith(".1862.1.7"):
        return join(", ", list(map(str, parts)))
    return _plain(held)


def _text(value: bytes) -> Lines:
    """Any one string or number."""
    yield _plain(core.load(value, strict=True))


def _ca_version(value: bytes) -> Lines:
    number = core.Integer.load(value, strict=True).native
    yield say("certificate {number}, key {key}", number=number & 0xFFFF, key=number >> 16)


def _template(value: bytes) -> Lines:
    found = _Template.load(value, strict=True)
    version = [str(found[name].native) for name in ("major_version", "minor_version") if found[name].contents]
    yield f"{found['template_id'].dotted} {'.'.join(version)}".strip()


def _application_policies(value: bytes) -> Lines:
    for policy in _Policies.load(value, strict=True):
        yield named(policy["identifier"].dotted, PURPOSES)


def _netscape(value: bytes) -> Lines:
    return bits(value, _NETSCAPE)


def _organisation(value: bytes) -> Lines:
    found = _Organisation.load(value, strict=True).native
    yield " ".join(str(part) for part in found.values() if part)


def _capabilities(value: bytes) -> Lines:
    for capability in core.SequenceOf.load(value, strict=True, spec=_Policy):
        yield capability["identifier"].dotted


def _usable(_value: bytes) -> Lines:
    yield say("its key may sign for keys that live a few days (RFC 9345)")


def _short(_value: bytes) -> Lines:
    yield say("it ends so soon that it is never revoked (ETSI EN 319 412-1)")


RARE: Final[dict[str, Reader]] = {
    "2.5.29.9": _attributes,
    "1.3.6.1.5.5.7.1.3": _statements,
    "1.3.6.1.5.5.7.1.31": octets,
    "1.3.6.1.5.5.7.1.36": _related,
    "1.2.840.113549.1.9.15": _capabilities,
    "1.3.6.1.4.1.44363.44": _usable,
    "1.3.6.1.4.1.311.20.2": _text,
    "1.3.6.1.4.1.311.21.1": _ca_version,
    "1.3.6.1.4.1.311.21.2": octets,
    "1.3.6.1.4.1.311.21.7": _template,
    "1.3.6.1.4.1.311.21.10": _application_policies,
    "2.16.840.1.113730.1.1": _netscape,
    "2.16.840.1.113730.1.13": _text,
    "2.23.140.3.1": _organisation,
    "0.4.0.194121.2.1": _short,
    "1.2.156.10260.4.1.1": _text,
    "1.2.156.10260.4.1.2": _text,
    "1.2.156.10260.4.1.3": _text,
    "1.2.156.10260.4.1.4": _text,
    "1.2.156.10260.4.1.5": _text,
}
