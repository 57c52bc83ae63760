"""What is sent to the own service about a broken promise: the SCT, the chain, the head that lacks the entry.

A report tells the service which site was visited. So it is made only where the policy says ``report = true``,
only once the promise is overdue and the tree was asked twice, and never to anybody else.
"""

import base64
import json
from collections.abc import Iterator
from typing import Final

from proxy_addon.connect.fetch import Http
from proxy_addon.errors import FetchError
from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.judge.evidence import Evidence
from verifier.judge.verdict import ReliedSct
from verifier.transparency.entries import Entry, TimestampedEntry, X509Entry, entry_for_certificate
from verifier.transparency.sct import SignedCertificateTimestamp, split_sct_list
from verifier.transparency.tree_head import SignedTreeHead

ACCEPTED: Final = 202
REFUSED: Final = frozenset({400, 413})  # it would be refused again
_WITH_ISSUER: Final = 2


def report_of(sct: ReliedSct, evidence: Evidence) -> str | None:
    """Return the report of an SCT as JSON, from its connection; None where the SCT is not in it."""
    for found, kind in _promised(sct, evidence):
        chain = [base64.b64encode(der).decode() for der in evidence.chain]
        return json.dumps({"sct": base64.b64encode(found.encode()).decode(), "chain": chain, "kind": kind})
    return None


def with_head(report: str, head: SignedTreeHead | None) -> str:
    """Return the report with the head that the client was shown: it may be another than others were."""
    if head is None:
        return report
    shown = {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": base64.b64encode(head.root_hash).decode(),
        "tree_head_signature": base64.b64encode(head.signature).decode(),
    }
    return json.dumps({**json.loads(report), "tree_head": shown})


def send(http: Http, public_url: str, report: str) -> bool:
    """Send a report; tell whether it is settled, taken or refused. Blocks; never raises."""
    try:
        answer = http.ask(
            f"{public_url}/sct-reports", body=report.encode(), content_type="application/json", limit=1 << 16
        )
    except FetchError:
        return False
    return answer.status == ACCEPTED or answer.status in REFUSED


def _promised(sct: ReliedSct, evidence: Evidence) -> Iterator[tuple[SignedCertificateTimestamp, str]]:
    for encoded, entry, kind in _lists(evidence):
        for found in _parsed(encoded):
            leaf = TimestampedEntry(found.timestamp, entry, found.extensions).leaf_hash()
            if found.log_id == sct.log_id and leaf == sct.leaf_hash:
                yield found, kind


def _lists(evidence: Evidence) -> Iterator[tuple[bytes, Entry, str]]:
    """The lists of SCTs of a connection, with the entry that each is about."""
    try:
        leaf = Certificate.parse(evidence.chain[0])
        if leaf.sct_list is not None and len(evidence.chain) >= _WITH_ISSUER:
            issuer = Certificate.parse(evidence.chain[1])
            yield leaf.sct_list, entry_for_certificate(leaf, issuer), "embedded"
    except (VerifierError, IndexError):
        return
    if evidence.tls_scts is not None:
        yield evidence.tls_scts, X509Entry(evidence.chain[0]), "delivered"


def _parsed(encoded: bytes) -> Iterator[SignedCertificateTimestamp]:
    try:
        for data in split_sct_list(encoded):
            yield SignedCertificateTimestamp.parse(data)
    except VerifierError:
        return
