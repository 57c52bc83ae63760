"""Alerts as evidence files, and what people noted about them."""

from monitor.evidence.files import EvidenceFiles, Note

__all__ = ["EvidenceFiles", "Note"]
