"""Whom and what the verifier trusts: everything a judgement is held against, gathered by the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from verifier.certificates.certificate import Certificate
from verifier.transparency.log_list import LogList


@dataclass(frozen=True)
class Trust:
    """Anchors, logs and what the audits found. Nothing in here comes from the connection that is judged.

    ``public_roots`` are Mozilla's, ``policy_roots`` those of the policy's ``[roots]``, ``own_roots`` and
    ``issuers`` the service's own (roots, and its issuing CAs). ``log_lists`` has the policy's names as keys.
    ``not_included`` and ``included`` hold the ``ReliedSct.key`` of promises whose inclusion was checked; a
    bare leaf hash stands for the promises of every log, as two logs that sign the same moment share it.
    ``expires_at`` is the trust bundle's end, None where none is used. ``operator`` is who runs this service's
    logs and monitor, ``issuer_operator`` who runs ``issuers`` (the same where it is empty).
    """

    public_roots: tuple[Certificate, ...] = ()
    policy_roots: tuple[Certificate, ...] = ()
    own_roots: tuple[Certificate, ...] = ()
    issuers: tuple[Certificate, ...] = ()
    log_lists: Mapping[str, LogList] = field(default_factory=dict)
    distrusted_logs: frozenset[bytes] = frozenset()
    operator: str = ""
    not_included: frozenset[bytes] = frozenset()
    included: frozenset[bytes] = frozenset()
    expires_at: datetime | None = None
    issuer_operator: str = ""
