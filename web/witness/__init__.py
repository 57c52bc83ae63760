"""The witness over HTTP (C2SP tlog-witness): add-checkpoint, what was cosigned, and who the witness is."""

from web.witness.app import Application

__all__ = ["Application"]
