"""What an audit can find, and what each finding means for the log."""

from enum import StrEnum


class AuditOutcome(StrEnum):
    """What an audit says of a log as a whole; the later in this list, the worse."""

    CONSISTENT = "consistent"
    PENDING = "pending"  # never audited, or its entries are still being read
    UNAVAILABLE = "unavailable"
    INCONSISTENT = "inconsistent"


class FindingOutcome(StrEnum):
    """What one check of an audit says."""

    PASSED = "passed"
    NOTE = "note"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


class AuditCode(StrEnum):
    """What an audit can find. A code belongs to one check and keeps its name."""

    HEAD_SIGNATURE = "head-signature"
    HEAD_SIGNATURE_INVALID = "head-signature-invalid"
    HEAD_FRESH = "head-fresh"
    HEAD_STALE = "head-stale"
    HEAD_FROM_FUTURE = "head-from-future"
    HEAD_FIRST = "head-first"
    HEAD_SEQUENCE = "head-sequence"
    HEAD_OLDER = "head-older"
    TREE_SHRUNK = "tree-shrunk"
    TREE_FORKED = "tree-forked"
    TIME_REVERSED = "time-reversed"
    CONSISTENCY = "consistency"
    CONSISTENCY_INVALID = "consistency-invalid"
    ROOT_REBUILT = "root-rebuilt"
    ROOT_MISMATCH = "root-mismatch"
    REBUILD_IN_PROGRESS = "rebuild-in-progress"
    ENTRIES_MALFORMED = "entries-malformed"
    SAME_OPERATOR = "same-operator"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    RESPONSE_OVERSIZED = "response-oversized"
    RESPONSE_TIMEOUT = "response-timeout"
    RESPONSE_MALFORMED = "response-malformed"
    REDIRECT_REFUSED = "redirect-refused"
    ORIGIN_WRONG = "origin-wrong"
    CHECK_FAILED = "check-failed"
    # heads
    HEAD_SIGNATURE_REUSED = "head-signature-reused"
    HEAD_KEY_WRONG = "head-key-wrong"
    HEAD_ALGORITHM_WRONG = "head-algorithm-wrong"
    CONSISTENCY_LENGTH = "consistency-length"
    SPLIT_VIEW = "split-view"
    HEADS_AGREE = "heads-agree"
    HEADS_TO_COMPARE = "heads-to-compare"
    # witnesses
    WITNESSED = "witnessed"
    WITNESSES_AWAITED = "witnesses-awaited"
    WITNESSES_TOO_FEW = "witnesses-too-few"
    # entries as served
    ENTRY_ALTERED = "entry-altered"
    ENTRY_DROPPED = "entry-dropped"
    ENTRIES_REORDERED = "entries-reordered"
    ENTRY_DUPLICATED = "entry-duplicated"
    # entries as logged
    ENTRIES_TO_CHECK = "entries-to-check"
    ENTRY_REPEATED = "entry-repeated"
    ENTRY_AFTER_HEAD = "entry-after-head"
    ENTRY_MERGED_LATE = "entry-merged-late"
    ENTRY_INDEX_WRONG = "entry-index-wrong"
    ENTRY_OUTSIDE_SHARD = "entry-outside-shard"
    ENTRY_ROOT_UNKNOWN = "entry-root-unknown"
    ISSUER_KEY_HASH_WRONG = "issuer-key-hash-wrong"
    PRECERTIFICATE_DIFFERS = "precertificate-differs"
    FINAL_CERTIFICATE_DIFFERS = "final-certificate-differs"
    # promises
    SCTS_KEPT = "scts-kept"
    SCTS_BROKEN = "scts-broken"
    SCTS_TO_CHECK = "scts-to-check"
    SCT_NOT_MERGED = "sct-not-merged"
    SCT_MERGED_LATE = "sct-merged-late"
    SCT_INDEX_WRONG = "sct-index-wrong"
    SCT_SIGNATURE_INVALID = "sct-signature-invalid"
    # answers
    RESPONSE_BOMB = "response-bomb"
    RESPONSE_DRIP = "response-drip"
    REDIRECT_ENDLESS = "redirect-endless"
    REDIRECT_PRIVATE = "redirect-private"
    REDIRECT_SCHEME = "redirect-scheme"
    ENTRY_COUNT_WRONG = "entry-count-wrong"
    TILES = "tiles"
    TILE_SHORT = "tile-short"
    TILE_WRONG = "tile-wrong"
    DATA_TILE_WRONG = "data-tile-wrong"
    ISSUER_MISSING = "issuer-missing"
    ISSUER_WRONG = "issuer-wrong"
    AVAILABILITY_LOW = "availability-low"


DISTRUSTING = frozenset({
    AuditCode.HEAD_SIGNATURE_INVALID,
    AuditCode.HEAD_SIGNATURE_REUSED,
    AuditCode.HEAD_KEY_WRONG,
    AuditCode.HEAD_ALGORITHM_WRONG,
    AuditCode.TREE_SHRUNK,
    AuditCode.TREE_FORKED,
    AuditCode.TIME_REVERSED,
    AuditCode.CONSISTENCY_INVALID,
    AuditCode.CONSISTENCY_LENGTH,
    AuditCode.SPLIT_VIEW,
    AuditCode.ROOT_MISMATCH,
    AuditCode.ENTRY_ALTERED,
    AuditCode.ENTRY_DROPPED,
    AuditCode.ENTRIES_REORDERED,
    AuditCode.ENTRY_DUPLICATED,
    AuditCode.ENTRY_INDEX_WRONG,
    AuditCode.SCT_NOT_MERGED,
    AuditCode.SCT_INDEX_WRONG,
})
"""Findings after which the log's promises no longer count. A stale head or one from the future is an alert
only: a machine that slept, or a clock that is wrong, would otherwise distrust an honest log for good."""


MISCONDUCT = frozenset({
    AuditCode.RESPONSE_OVERSIZED,
    AuditCode.RESPONSE_BOMB,
    AuditCode.RESPONSE_DRIP,
    AuditCode.RESPONSE_MALFORMED,
    AuditCode.REDIRECT_ENDLESS,
    AuditCode.REDIRECT_REFUSED,
    AuditCode.REDIRECT_PRIVATE,
    AuditCode.REDIRECT_SCHEME,
    AuditCode.ORIGIN_WRONG,
    AuditCode.HEAD_KEY_WRONG,
    AuditCode.ENTRY_COUNT_WRONG,
    AuditCode.TILE_SHORT,
    AuditCode.DATA_TILE_WRONG,
    AuditCode.ISSUER_MISSING,
    AuditCode.ISSUER_WRONG,
})
"""Answers that no honest log gives. One may be a broken network between us: the second in a row, met by two
audits one after the other, is an alert. None of them distrusts: whoever stands between can forge them."""


OTHERS_OFFENCES = frozenset({AuditCode.FINAL_CERTIFICATE_DIFFERS})
"""Notes that are alerts too: the offence is a CA's, so that it does not make the log inconsistent."""
