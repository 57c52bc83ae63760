"""Log lists in the v3 schema: which logs there are, whose, in what state, and where.

The schema is the one of the browsers' lists (``operators[].{logs, tiled_logs}``). SM2 keys stand in it as
SubjectPublicKeyInfo like any other; a log whose SM2 signatures carry another code point than sm2sig_sm3 says
so in a field of ours, ``mingjing_signature_codepoint``.
"""

from verifier.transparency.log_list.model import (
    DEFAULT_MERGE_DELAY,
    FinalTreeHead,
    Log,
    LogList,
    LogState,
    PreviousOperator,
    TemporalInterval,
)
from verifier.transparency.log_list.reading import CODEPOINT_FIELD, MAX_LOG_LIST_SIZE, parse_log_list
from verifier.transparency.log_list.writing import encode_log, encode_log_list

__all__ = [
    "CODEPOINT_FIELD",
    "DEFAULT_MERGE_DELAY",
    "MAX_LOG_LIST_SIZE",
    "FinalTreeHead",
    "Log",
    "LogList",
    "LogState",
    "PreviousOperator",
    "TemporalInterval",
    "encode_log",
    "encode_log_list",
    "parse_log_list",
]
