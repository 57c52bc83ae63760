"""Why a certificate is revoked (RFC 5280 section 5.3.1)."""

import re
from enum import StrEnum
from typing import Self

from issuer.errors import RequestRefused


class RevocationReason(StrEnum):
    """The reasons that end a certificate for good; holds are not done here. Values are RFC 5280's."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read keyCompromise, key-compromise or KEY_COMPROMISE alike.

        :raises RequestRefused: naming the reasons there are.
        """
        folded = re.sub(r"[-_ ]", "", text).lower()
        for reason in cls:
            if reason.value.lower() == folded:
                return reason
        raise RequestRefused(f"unknown reason {text!r}; there are: {', '.join(cls)}")

    @property
    def asn1_name(self) -> str | None:
        """asn1crypto's name; None for unspecified, which is written by saying nothing."""
        return None if self is RevocationReason.UNSPECIFIED else self.name.lower()
