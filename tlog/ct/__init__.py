"""Certificate Transparency on top of the engine: admission, entries, promises, and RFC 6962's questions."""

from tlog.ct.agreement import check_agreement
from tlog.ct.closed import ClosedLog
from tlog.ct.creation import create_log, unsafe_promise_without_entry
from tlog.ct.errors import BadQuestion, LogSettingsError, NotFound, SubmissionRefused
from tlog.ct.exporting import Export, Exported
from tlog.ct.log import CtLog
from tlog.ct.served import ServedLog
from tlog.ct.settings import LogSettings, LogState, change_state, load_settings
from tlog.ct.verifying import LogReport, final_head, published_head, verify_copy, verify_log

__all__ = [
    "BadQuestion",
    "ClosedLog",
    "CtLog",
    "Export",
    "Exported",
    "LogReport",
    "LogSettings",
    "LogSettingsError",
    "LogState",
    "NotFound",
    "ServedLog",
    "SubmissionRefused",
    "change_state",
    "check_agreement",
    "create_log",
    "final_head",
    "load_settings",
    "published_head",
    "unsafe_promise_without_entry",
    "verify_copy",
    "verify_log",
]
