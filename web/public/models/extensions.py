"""A certificate's extensions in words; the bytes of each stay beside them.

What no reader knows, or cannot read, is shown as a tree of its DER, and always as bytes.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from verifier.certificates import Certificate
from verifier.errors import VerifierError
from web.public.language import Text, say
from web.public.models.der_tree import der_tree
from web.public.models.extension_names import EXTENSIONS, PURPOSES
from web.public.models.extension_readers import STANDARD
from web.public.models.rare_extensions import RARE
from web.public.text import shorten

_READERS: Final = {**STANDARD, **RARE}
_MOST: Final = 100
_LONGEST: Final = 400
_UNREADABLE = (
    ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError, RecursionError, VerifierError,
)  # fmt: skip
"""What asn1crypto and the verifier raise for bytes that are not what they should be."""


@dataclass(frozen=True, slots=True)
class ExtensionShown:
    """One extension: its name, its OID, what it says, its DER as a tree where nobody can say, its bytes."""

    oid: str
    name: Text
    critical: bool
    lines: tuple[Text | str, ...]
    tree: tuple[str, ...]
    value: bytes


def extensions_shown(certificate: Certificate) -> tuple[ExtensionShown, ...]:
    """Return the extensions in the certificate's own order. Never raises, whatever they hold."""
    return tuple(_shown(one.oid, one.value, critical=one.critical) for one in certificate.extensions)


def extension_facts(shown: ExtensionShown) -> dict[str, object]:
    """Return what an extension says, for JSON."""
    return {
        "oid": shown.oid,
        "name": shown.name,
        "critical": shown.critical,
        "says": shown.lines,
        "value": shown.value,
        "tree": shown.tree,
    }


def _shown(oid: str, value: bytes, *, critical: bool) -> ExtensionShown:
    name = say(EXTENSIONS.get(oid, "Extension that is not known here"))
    lines = _lines(oid, value)
    tree = der_tree(value) if lines is None or oid not in _READERS else ()
    if lines is None:
        lines = (say("its bytes cannot be read as this extension"),)
    return ExtensionShown(oid, name, critical, lines, tree, value)


def _lines(oid: str, value: bytes) -> tuple[Text | str, ...] | None:
    """Return what the extension says, nothing where no reader knows it; None where it cannot be read."""
    reader = _READERS.get(oid)
    if reader is None:
        return ()
    try:
        found = list(islice(reader(value), _MOST + 1))
        lines = tuple(shorten(line, _LONGEST) for line in found[:_MOST])
    except _UNREADABLE:
        return None
    more = (say("and more, in its bytes"),) if len(found) > _MOST else ()
    return (*lines, *more) or (say("empty"),)


def purposes(certificate: Certificate) -> tuple[Text, ...]:
    """Return the extended key usages in words, sorted."""
    return tuple(say(PURPOSES.get(oid, oid)) for oid in _sorted_purposes(certificate))


def _sorted_purposes(certificate: Certificate) -> list[str]:
    return sorted(certificate.extended_key_usage, key=lambda oid: PURPOSES.get(oid, oid))
