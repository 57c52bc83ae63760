"""Certificate Transparency on top of the engine: admission, entries, promises, and RFC 6962's questions."""

from tlog.ct.errors import BadQuestion, LogSettingsError, NotFound, SubmissionRefused
from tlog.ct.log import CtLog, unsafe_promise_without_entry
from tlog.ct.settings import LogSettings, LogState

__all__ = [
    "BadQuestion",
    "CtLog",
    "LogSettings",
    "LogSettingsError",
    "LogState",
    "NotFound",
    "SubmissionRefused",
    "unsafe_promise_without_entry",
]
