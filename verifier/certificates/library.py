"""What cryptography says of bytes that it does not take, in our words."""

import re
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm as NotInLibrary

from verifier.errors import MalformedInput

LIBRARY_ERRORS: Final = (
    ValueError,
    TypeError,
    KeyError,  # a string type that it does not know
    OverflowError,
    NotInLibrary,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    Warning,  # where the program turns warnings into errors
)
"""What cryptography raises for bytes that are no certificate and no CRL."""

_KIND: Final = re.compile(r"ParseError { kind: (\w+)")
_PLACE: Final = re.compile(r'"(?:(\w+)::)?(\w+)"')  # "TbsCertificate::validity", "Validity::not_after"
_UNNAMED: Final = frozenset({"Certificate", "TbsCertificate"})  # structures that need no naming


def refusal(field: str, error: BaseException) -> MalformedInput:
    """The error for ``field``, with the field inside it that the library names."""
    if isinstance(error, KeyError):
        return MalformedInput(f"{field}.Name: expected a string type of RFC 5280 4.1.2.4, got tag {error}")
    text = str(error)
    _, _, location = text.partition("location: ")
    steps = _PLACE.findall(location)
    if steps and steps[0][0] and steps[0][0] not in _UNNAMED:
        field = f"{field}.{steps[0][0]}"
    kind = _KIND.search(text)
    place = ".".join((field, *(name for _, name in steps)))
    return MalformedInput(f"{place}: expected RFC 5280 contents, {kind[1] if kind else text}")
