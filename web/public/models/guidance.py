"""What each finding of an audit means for somebody who is no auditor, and what to do about it."""
# ruff: noqa: E501  a sentence stays on one line

from typing import Final

from monitor.values import AuditCode
from web.public.language import Text, say
from web.public.language.catalogue import MEANINGS

_NOTHING: Final = "Nothing."
_WAIT: Final = "Nothing yet. If the next audits say the same, ask the log's operator."
_SEND: Final = (
    "The log's promises no longer count for clients that take this service's trust bundle. Save the evidence, send"
    " it to the log's operator, to other auditors and to those who publish log lists, and have certificates logged"
    " elsewhere."
)
_OPERATOR: Final = (
    "Save the evidence and send it to the log's operator. Certificates stay as trusted as before."
)
_CLOCK: Final = (
    "Compare this machine's clock with another one first. If it is right, tell the log's operator; the log is not"
    " distrusted for it."
)
_ANSWER: Final = (
    "Tell the log's operator if the next audit meets it again. The log is not distrusted for it, since whoever"
    " stands between could have forged the answer."
)
_CA: Final = (
    "Look whether the certificate is yours. Send the evidence to the CA that signed it: the offence is the CA's, not"
    " the log's."
)
_WITNESSES: Final = (
    "Look which witness is behind, under Witnesses on the log's page, and ask whoever runs it."
)
_OTHERS: Final = "Let somebody else audit this log too, and compare what they see."

_ADVICE: Final[dict[AuditCode, tuple[str, str]]] = {
    # heads
    AuditCode.HEAD_SIGNATURE_INVALID: (
        "The log gave out a tree head that its key did not sign. Whoever relies on it relies on nothing.",
        _SEND,
    ),
    AuditCode.HEAD_SIGNATURE_REUSED: (
        "The log put the signature of another tree head under this one.",
        _SEND,
    ),
    AuditCode.HEAD_KEY_WRONG: (
        "Another key than the log's signed this tree head, so it is not the log's word.",
        _SEND,
    ),
    AuditCode.HEAD_ALGORITHM_WRONG: (
        "The tree head names a signature algorithm that does not belong to the log's key.",
        _SEND,
    ),
    AuditCode.HEAD_STALE: (
        "The log has signed no new tree head within its merge delay, so nobody can see what it took in since.",
        _CLOCK,
    ),
    AuditCode.HEAD_FROM_FUTURE: (
        "The tree head is dated in the future. A log that dates ahead can slip entries in later.",
        _CLOCK,
    ),
    AuditCode.HEAD_OLDER: (
        "The log answered with a tree head that it had signed before, as servers behind a cache do.",
        _NOTHING,
    ),
    AuditCode.HEAD_FIRST: ("From this head on, every later one must continue it.", _NOTHING),
    AuditCode.TREE_SHRUNK: (
        "A later tree head has fewer entries: certificates that were public are gone from the tree.",
        _SEND,
    ),
    AuditCode.TREE_FORKED: (
        "The log signed two different trees of one size. One of them hides what the other shows.",
        _SEND,
    ),
    AuditCode.TIME_REVERSED: (
        "A larger tree carries an earlier date, so the log signed a false time.",
        _SEND,
    ),
    AuditCode.CONSISTENCY_INVALID: (
        "The log cannot show that the newer tree holds everything that the older one held.",
        _SEND,
    ),
    AuditCode.CONSISTENCY_LENGTH: (
        "No two trees have a consistency proof of this length: the log did not show that it only grew.",
        _SEND,
    ),
    AuditCode.SPLIT_VIEW: (
        "Somebody else was shown another tree than this auditor: the log tells different people different things.",
        _SEND,
    ),
    AuditCode.HEADS_TO_COMPARE: (
        "Others were shown a larger tree than the one read so far; the two are compared once it has been read.",
        _NOTHING,
    ),
    AuditCode.ORIGIN_WRONG: ("The log serves a checkpoint that names another log.", _ANSWER),
    # witnesses
    AuditCode.WITNESSES_TOO_FEW: (
        "Too few witnesses have seen this tree, so a tree made for one visitor alone could go unnoticed.",
        _WITNESSES,
    ),
    AuditCode.WITNESSES_AWAITED: (
        "No entry is old enough for its cosignatures to be due, or no witness is required.",
        _NOTHING,
    ),
    # entries as served
    AuditCode.ROOT_MISMATCH: (
        "The entries that the log serves are not those that it signed for.",
        _SEND,
    ),
    AuditCode.ENTRY_ALTERED: (
        "An entry was changed after the log had signed the tree that holds it.",
        _SEND,
    ),
    AuditCode.ENTRY_DROPPED: (
        "An entry of the signed tree is left out, so a certificate is hidden from whoever reads the log.",
        _SEND,
    ),
    AuditCode.ENTRIES_REORDERED: (
        "The entries come in another order than the signed one, so proofs by number lead to the wrong ones.",
        _SEND,
    ),
    AuditCode.ENTRY_DUPLICATED: (
        "One entry is served in the place of another, which is hidden by it.",
        _SEND,
    ),
    AuditCode.REBUILD_IN_PROGRESS: (
        "The log is still being read; until its end, the root cannot be compared.",
        _NOTHING,
    ),
    AuditCode.ENTRIES_TO_CHECK: (
        "Entries were read but not yet looked at one by one; the next audits go on with them.",
        _NOTHING,
    ),
    AuditCode.SCTS_TO_CHECK: (
        "SCTs were seen whose entries have not been looked for yet; the next audits go on with them.",
        _NOTHING,
    ),
    AuditCode.SCTS_BROKEN: (
        "Promises that were found broken before stay broken: each has an alert of its own.",
        "Look at the alerts of this log.",
    ),
    # entries as logged
    AuditCode.ENTRIES_MALFORMED: (
        "Some entries are no certificates by the rules. They are kept as they came, with the names that could be read in them.",
        "Look at them on the log's page; one that names a domain of yours deserves a question to the log's operator.",
    ),
    AuditCode.ENTRY_INDEX_WRONG: (
        "An entry stands at another place in the tree than its own SCT names, so proofs by number lead elsewhere.",
        _SEND,
    ),
    AuditCode.ENTRY_REPEATED: (
        "The same entry stands twice in the tree. No certificate is hidden, but a log should give the first SCT again.",
        _OPERATOR,
    ),
    AuditCode.ENTRY_AFTER_HEAD: (
        "An entry is dated after the tree head that already holds it, so one of the two dates is false.",
        _OPERATOR,
    ),
    AuditCode.ENTRY_MERGED_LATE: (
        "An entry came into the tree later than the log's merge delay allows, so for that time nobody could see it.",
        _OPERATOR,
    ),
    AuditCode.ENTRY_OUTSIDE_SHARD: (
        "The log took a certificate that expires outside the dates for which it is listed; clients may not count it.",
        _OPERATOR,
    ),
    AuditCode.ENTRY_ROOT_UNKNOWN: (
        "The log took a certificate whose chain ends at no root that it names.",
        _OPERATOR,
    ),
    AuditCode.ISSUER_KEY_HASH_WRONG: (
        "A precertificate is logged under a key that did not sign it, so its SCT proves nothing.",
        _OPERATOR,
    ),
    AuditCode.PRECERTIFICATE_DIFFERS: (
        "The precertificate beside an entry is not the one that the entry was made of.",
        _OPERATOR,
    ),
    AuditCode.FINAL_CERTIFICATE_DIFFERS: (
        "A CA signed a certificate with other contents than the precertificate that it had logged.",
        _CA,
    ),
    # promises
    AuditCode.SCT_NOT_MERGED: (
        "The log promised to publish a certificate and did not within its merge delay: that certificate is hidden.",
        _SEND,
    ),
    AuditCode.SCT_MERGED_LATE: (
        "The log published a promised certificate, but later than its merge delay allows.",
        _OPERATOR,
    ),
    AuditCode.SCT_INDEX_WRONG: (
        "The log promised a certificate one place in the tree and gave it another.",
        _SEND,
    ),
    AuditCode.SCT_SIGNATURE_INVALID: (
        "A certificate carries a promise in the log's name that the log did not sign.",
        _CA,
    ),
    # answers
    AuditCode.RESPONSE_OVERSIZED: ("The log sent more than the answer could hold.", _ANSWER),
    AuditCode.RESPONSE_BOMB: ("The log sent a body that unpacks without bound.", _ANSWER),
    AuditCode.RESPONSE_TIMEOUT: ("The log did not answer in time.", _ANSWER),
    AuditCode.RESPONSE_DRIP: ("The log answers byte by byte and never ends.", _ANSWER),
    AuditCode.RESPONSE_MALFORMED: ("The log's answer is not what the protocol calls for.", _ANSWER),
    AuditCode.REDIRECT_REFUSED: (
        "The log sends its readers to another host, which is not followed.",
        _ANSWER,
    ),
    AuditCode.REDIRECT_ENDLESS: ("The log sends its readers in circles.", _ANSWER),
    AuditCode.REDIRECT_PRIVATE: ("The log sends its readers into a private network.", _ANSWER),
    AuditCode.REDIRECT_SCHEME: ("The log sends its readers to another protocol.", _ANSWER),
    AuditCode.ENTRY_COUNT_WRONG: ("The log sent another number of entries than asked for.", _ANSWER),
    AuditCode.TILE_SHORT: ("A tile has the wrong length, so proofs cannot be made from it.", _ANSWER),
    AuditCode.TILE_WRONG: (
        "A tile does not hash to the signed tree, so proofs made from it fail.",
        _OPERATOR,
    ),
    AuditCode.DATA_TILE_WRONG: ("A tile of entries cannot be read as entries.", _ANSWER),
    AuditCode.ISSUER_MISSING: (
        "The log does not serve an issuer certificate that its entries name.",
        _ANSWER,
    ),
    AuditCode.ISSUER_WRONG: ("The log serves another certificate than the issuer asked for.", _ANSWER),
    AuditCode.UNAVAILABLE: ("The log did not answer, so nothing new is known of it.", _WAIT),
    AuditCode.BUSY: ("The log asked to be left alone for a while, and is.", _NOTHING),
    AuditCode.AVAILABILITY_LOW: (
        "An address of the log answers less often than the 99 % that browsers ask for.",
        "Tell the log's operator; browsers drop logs that are too often away.",
    ),
    AuditCode.CHECK_FAILED: ("One check could not be made, so it says nothing about the log.", _WAIT),
    AuditCode.SAME_OPERATOR: (
        "The log and this auditor are run by the same organisation. An audit of oneself convinces nobody else.",
        _OTHERS,
    ),
}


_TITLES: Final[dict[AuditCode, str]] = {
    AuditCode.HEAD_SIGNATURE: "Signature of the tree head",
    AuditCode.HEAD_SIGNATURE_INVALID: "Tree head not signed by the log",
    AuditCode.HEAD_SIGNATURE_REUSED: "Tree head under another's signature",
    AuditCode.HEAD_KEY_WRONG: "Tree head signed with another key",
    AuditCode.HEAD_ALGORITHM_WRONG: "Tree head under another algorithm",
    AuditCode.HEAD_FRESH: "Age of the tree head",
    AuditCode.HEAD_STALE: "Stale tree head",
    AuditCode.HEAD_FROM_FUTURE: "Tree head from the future",
    AuditCode.HEAD_FIRST: "First tree head",
    AuditCode.HEAD_SEQUENCE: "Order of tree heads",
    AuditCode.HEAD_OLDER: "Older tree head",
    AuditCode.HEADS_AGREE: "Tree heads that others saw",
    AuditCode.HEADS_TO_COMPARE: "Tree heads still to compare",
    AuditCode.TREE_SHRUNK: "The tree shrank",
    AuditCode.TREE_FORKED: "Two trees of one size",
    AuditCode.TIME_REVERSED: "Time runs backwards",
    AuditCode.CONSISTENCY_INVALID: "Consistency not proven",
    AuditCode.CONSISTENCY_LENGTH: "Consistency proof of an impossible length",
    AuditCode.ROOT_REBUILT: "Root rebuilt from the entries",
    AuditCode.ROOT_MISMATCH: "Entries with another root",
    AuditCode.REBUILD_IN_PROGRESS: "Still being read",
    AuditCode.ORIGIN_WRONG: "Checkpoint of another log",
    AuditCode.WITNESSED: "Witnesses",
    AuditCode.WITNESSES_AWAITED: "Witnesses awaited",
    AuditCode.WITNESSES_TOO_FEW: "Too few witnesses",
    AuditCode.ENTRIES_MALFORMED: "Malformed entries",
    AuditCode.ENTRIES_TO_CHECK: "Entries still to check",
    AuditCode.ENTRY_INDEX_WRONG: "Entry in another place than it says",
    AuditCode.ENTRY_OUTSIDE_SHARD: "Entry from outside the shard",
    AuditCode.ENTRY_ROOT_UNKNOWN: "Entry under an unknown root",
    AuditCode.ISSUER_KEY_HASH_WRONG: "Wrong issuer key hash",
    AuditCode.SCTS_KEPT: "Promises kept",
    AuditCode.SCTS_TO_CHECK: "Promises still to check",
    AuditCode.SCTS_BROKEN: "Promises broken before",
    AuditCode.SCT_NOT_MERGED: "Promise not kept",
    AuditCode.SCT_MERGED_LATE: "Promise kept too late",
    AuditCode.SCT_INDEX_WRONG: "Entry in another place than promised",
    AuditCode.SCT_SIGNATURE_INVALID: "Promise that the log did not sign",
    AuditCode.RESPONSE_OVERSIZED: "Answer too large",
    AuditCode.RESPONSE_BOMB: "Answer that unpacks without bound",
    AuditCode.RESPONSE_TIMEOUT: "No answer in time",
    AuditCode.RESPONSE_DRIP: "Answer that never ends",
    AuditCode.RESPONSE_MALFORMED: "Malformed answer",
    AuditCode.REDIRECT_REFUSED: "Redirect to another host",
    AuditCode.REDIRECT_ENDLESS: "Redirects without end",
    AuditCode.REDIRECT_PRIVATE: "Redirect into a private network",
    AuditCode.REDIRECT_SCHEME: "Redirect to another protocol",
    AuditCode.ENTRY_COUNT_WRONG: "Wrong number of entries",
    AuditCode.TILE_SHORT: "Tile of the wrong length",
    AuditCode.TILE_WRONG: "Tile of another tree",
    AuditCode.DATA_TILE_WRONG: "Tile of entries that is none",
    AuditCode.ISSUER_MISSING: "Missing issuer certificate",
    AuditCode.ISSUER_WRONG: "Wrong issuer certificate",
    AuditCode.AVAILABILITY_LOW: "Low availability",
    AuditCode.CHECK_FAILED: "A check that could not be made",
}
"""Headings, where the code itself is none."""


def title_of(code: AuditCode) -> Text:
    """Return a finding's heading."""
    english = _TITLES.get(code, code.value.replace("-", " ").capitalize())
    return Text(english, MEANINGS.get(code.value, english).rstrip("。"))


def meaning_of(code: AuditCode) -> Text | None:
    """Say what a finding means; None where its own sentence says it all, as for a check that passed."""
    return say(_ADVICE[code][0]) if code in _ADVICE else None


def advice_on(code: AuditCode) -> Text | None:
    """Say what to do about a finding; None where there is nothing to be done."""
    return say(_ADVICE[code][1]) if code in _ADVICE and _ADVICE[code][1] is not _NOTHING else None


SENTENCES: Final = tuple(sentence for pair in _ADVICE.values() for sentence in pair)
"""Everything that may be said here, for the catalogue's test."""
