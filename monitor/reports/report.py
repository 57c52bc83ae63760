"""One report: the SCT, the chain that it was for, and the tree head that the client was shown."""

from dataclasses import dataclass
from typing import Final

from monitor.errors import MonitorError
from verifier.certificates.certificate import parse_chain
from verifier.errors import MalformedInput
from verifier.transparency.entries import Entry, X509Entry, entry_for_certificate
from verifier.transparency.evidence.case import read_head
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.strict_json import JsonObject, decode_base64, parse_json
from verifier.transparency.tree_head import SignedTreeHead

MAX_REPORT_SIZE: Final = 128 * 1024  # bytes: a chain of sixteen certificates and more than any real one
KINDS: Final = ("embedded", "delivered")
_AN_ISSUER_TOO = 2  # an embedded SCT covers the issuer's key


class ReportError(MonitorError):
    """A report is not what it should be; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a client sent. It parses, and nothing in it is verified."""

    sct: SignedCertificateTimestamp
    chain: tuple[bytes, ...]
    kind: str = "embedded"
    head: SignedTreeHead | None = None

    @classmethod
    def parse(cls, data: bytes) -> "Report":
        """From the JSON of a report; raises ReportError."""
        try:
            return cls._read(parse_json(data, "report", maximum=MAX_REPORT_SIZE))
        except MalformedInput as error:
            raise ReportError(str(error)) from None

    @classmethod
    def _read(cls, fields: JsonObject) -> "Report":
        chain = fields.base64s("chain")
        parsed = parse_chain(chain)
        kind = fields.text("kind", optional=True) or KINDS[0]
        if kind not in KINDS:
            raise fields.error("kind", f"expected one of {', '.join(KINDS)}")
        if kind == KINDS[0] and len(parsed) < _AN_ISSUER_TOO:
            raise fields.error("chain", "expected the issuer's certificate too")
        sct = SignedCertificateTimestamp.parse(decode_base64(fields.text("sct")))
        return cls(sct, chain, kind, _head(fields))

    @property
    def entry(self) -> Entry:
        """The entry that the SCT is about."""
        parsed = parse_chain(self.chain)
        if self.kind == "delivered":
            return X509Entry(self.chain[0])
        return entry_for_certificate(parsed[0], parsed[1])


def _head(fields: JsonObject) -> SignedTreeHead | None:
    if "tree_head" not in fields:
        return None
    return read_head(fields.member("tree_head"))
