"""GeneralName in words (RFC 5280 section 4.2.1.6): every kind, with the characters as they stand."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, Final

from web.public.language import Text, say

_IPV4, _IPV6 = 4, 16
_OTHER_NAMES: Final = {
    "1.3.6.1.4.1.311.20.2.3": "Microsoft user principal name",
    "1.3.6.1.5.5.7.8.5": "XMPP address",
    "1.3.6.1.5.5.7.8.7": "DNS service name",
    "1.3.6.1.5.5.7.8.9": "email address in Unicode",
    "1.3.6.1.5.2.2": "Kerberos principal",
    "1.3.6.1.5.5.7.8.4": "hardware module",
    "1.3.6.1.5.5.7.8.3": "permanent identifier",
}


def general_name(name: Any) -> Text:
    """Return one asn1crypto GeneralName with its kind. Raises what asn1crypto raises for wrong bytes."""
    return _READERS[name.name](name.chosen)


def _written(value: Any) -> str:
    return bytes(value.contents).decode("utf-8", "backslashreplace")


def _address(value: Any) -> Text:
    octets = bytes(value.contents)
    if len(octets) in {_IPV4, _IPV6}:
        return say("IP {address}", address=str(ip_address(octets)))
    half = len(octets) // 2
    if half in {_IPV4, _IPV6} and len(octets) == 2 * half:
        return say("IP {address}", address=_network(octets[:half], octets[half:]))
    return say("IP {address}", address=octets.hex())


def _network(address: bytes, mask: bytes) -> str:
    try:
        return str(ip_network(f"{ip_address(address)}/{_length(mask)}", strict=False))
    except ValueError:
        return f"{ip_address(address)}/{ip_address(mask)}"


def _length(mask: bytes) -> int:
    """Return the length of a mask that is ones, then zeros; raises ValueError for any other."""
    bits = f"{int.from_bytes(mask):0{len(mask) * 8}b}"
    if "01" in bits:
        raise ValueError
    return bits.count("1")


def _other(value: Any) -> Text:
    oid = value["type_id"].dotted
    inner = value["value"]
    held = inner.parsed if hasattr(inner, "parsed") else inner
    text = held.native if isinstance(held.native, str) else held.untag().dump().hex()
    kind = say(_OTHER_NAMES[oid]) if oid in _OTHER_NAMES else oid
    return say("other name, {kind}: {value}", kind=kind, value=text)


_READERS: Final[dict[str, Callable[[Any], Text]]] = {
    "other_name": _other,
    "rfc822_name": lambda value: say("email {address}", address=_written(value)),
    "dns_name": lambda value: say("DNS {name}", name=_written(value)),
    "x400_address": lambda value: say("X.400 address {value}", value=value.dump().hex()),
    "directory_name": lambda value: say("directory name {name}", name=value.human_friendly),
    "edi_party_name": lambda value: say("EDI party name {value}", value=value.dump().hex()),
    "uniform_resource_identifier": lambda value: say("URI {url}", url=_written(value)),
    "ip_address": _address,
    "registered_id": lambda value: say("registered identifier {oid}", oid=value.dotted),
}
