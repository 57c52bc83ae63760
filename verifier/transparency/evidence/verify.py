"""An evidence file examined: the steps for its offence, and what they come to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verifier.errors import VerifierError
from verifier.transparency.evidence import answers, entries, heads, promises, witnesses
from verifier.transparency.evidence.case import Case, NotShown, Result, Step
from verifier.transparency.evidence.document import Evidence
from verifier.transparency.strict_json import JsonObject


@dataclass(frozen=True, slots=True)
class Offence:
    """What an evidence file of one code must show; ``claim`` is the sentence that is then shown."""

    claim: str
    check: Callable[[Case], Result]


@dataclass(frozen=True, slots=True)
class Examination:
    """The steps that were taken, the result, and what it means in one sentence."""

    evidence: Evidence
    steps: tuple[Step, ...]
    result: Result
    conclusion: str


def examine(evidence: Evidence, now: datetime) -> Examination:
    """Examine an evidence file from its bytes alone; never raises for what it holds."""
    offence = OFFENCES.get(evidence.code)
    if offence is None:
        reason = f"this program knows no way to verify the offence {evidence.code!r}"
        return Examination(evidence, (), Result.NOT_SHOWN, f"Not proven: {reason}.")
    case = Case(evidence.log, JsonObject(dict(evidence.material), "evidence.material"), now)
    try:
        result = offence.check(case)
    except NotShown:
        result = Result.NOT_SHOWN
    except (VerifierError, ValueError, ArithmeticError, LookupError, StopIteration) as error:
        case.steps.append(Step(f"the material can be read ({error})", holds=False))
        result = Result.NOT_SHOWN
    return Examination(evidence, tuple(case.steps), result, _conclusion(result, offence, evidence))


def claim_of(code: str) -> str:
    """The sentence that evidence of this code shows; empty for a code without one."""
    return OFFENCES[code].claim if code in OFFENCES else ""


def _conclusion(result: Result, offence: Offence, evidence: Evidence) -> str:
    if result is Result.PROVEN:
        return f"PROVEN by signatures: {offence.claim.format(log=evidence.log.name)}"
    if result is Result.OBSERVED:
        return (
            "Not proven: an observation. The record shows this, but the log did not sign it, so it rests on"
            f" the word of whoever recorded it: {offence.claim.format(log=evidence.log.name)}"
        )
    return "Not proven: this file does not show what it claims."


OFFENCES: Final[Mapping[str, Offence]] = {
    "tree-forked": Offence("{log} signed two histories of its tree.", heads.two_histories),
    "split-view": Offence("{log} showed one history to some and another to others.", heads.split),
    "consistency-invalid": Offence("{log} does not show that its tree only grew.", heads.inconsistent),
    "consistency-length": Offence(
        "{log} gave a consistency proof of an impossible length.", heads.proof_length
    ),
    "tree-shrunk": Offence("{log} took entries out of its tree.", heads.shrunk),
    "time-reversed": Offence("{log} signed a false date.", heads.time_reversed),
    "head-signature-invalid": Offence(
        "{log} gave out a tree head that it did not sign.", heads.signature_invalid
    ),
    "head-signature-reused": Offence(
        "{log} gave out a tree head under the signature of another.", heads.signature_reused
    ),
    "head-key-wrong": Offence("{log} gave out a tree head signed with another key.", heads.key_wrong),
    "head-algorithm-wrong": Offence(
        "{log} gave out a tree head under another algorithm than its key's.", heads.algorithm_wrong
    ),
    "head-stale": Offence("{log} gave out no tree head within its merge delay.", heads.stale),
    "head-from-future": Offence("{log} signed a tree head dated in the future.", heads.from_future),
    "origin-wrong": Offence("{log} serves another log's checkpoint.", heads.origin_wrong),
    "entry-after-head": Offence(
        "{log} signed a head that is older than one of its entries.", entries.after_head
    ),
    "entry-merged-late": Offence("{log} merged an entry later than promised.", entries.merged_late),
    "entry-index-wrong": Offence(
        "{log} put an entry elsewhere than the entry itself says.", entries.index_wrong
    ),
    "root-mismatch": Offence("{log} serves entries that are not those it signed for.", entries.root_mismatch),
    "entry-altered": Offence(
        "{log} serves an entry with other contents than it signed for.", entries.altered
    ),
    "entry-dropped": Offence("{log} leaves out an entry that it signed for.", entries.dropped),
    "entries-reordered": Offence(
        "{log} serves entries in another order than it signed for.", entries.reordered
    ),
    "entry-duplicated": Offence("{log} serves an entry twice, in the place of another.", entries.duplicated),
    "entry-repeated": Offence("{log} holds the same entry twice.", entries.repeated),
    "entry-outside-shard": Offence("{log} took a certificate from outside its shard.", entries.outside_shard),
    "entry-root-unknown": Offence(
        "{log} took a certificate under no root that it names.", entries.root_unknown
    ),
    "issuer-key-hash-wrong": Offence(
        "{log} logged a precertificate under a key that did not sign it.", entries.issuer_key_hash_wrong
    ),
    "precertificate-differs": Offence(
        "{log} serves another precertificate beside an entry than the entry's.",
        entries.precertificate_differs,
    ),
    "final-certificate-differs": Offence(
        "The issuer signed a certificate that is not the one its precertificate in {log} announced.",
        entries.final_differs,
    ),
    "sct-not-merged": Offence("{log} promised an entry and did not merge it in time.", promises.not_merged),
    "sct-merged-late": Offence("{log} merged a promised entry later than promised.", promises.merged_late),
    "sct-index-wrong": Offence("{log} put a promised entry elsewhere than promised.", promises.index_wrong),
    "sct-signature-invalid": Offence(
        "The issuer put an SCT into a certificate that {log} did not sign for it.", promises.sct_invalid
    ),
    "witnesses-too-few": Offence("Too few witnesses have seen the tree of {log}.", witnesses.too_few),
    "response-oversized": Offence("{log} sent more bytes than the answer could have.", answers.oversized),
    "response-bomb": Offence("{log} sent a body that unpacks beyond every bound.", answers.bomb),
    "response-timeout": Offence("{log} did not answer in time.", answers.too_slow),
    "response-drip": Offence("{log} answered by drips, and never wholly.", answers.dripped),
    "response-malformed": Offence("{log} sent an answer that the protocol does not know.", answers.malformed),
    "redirect-endless": Offence("{log} redirects without end.", answers.redirect_endless),
    "redirect-refused": Offence("{log} redirects to another place.", answers.redirect_elsewhere),
    "redirect-private": Offence("{log} redirects into a private network.", answers.redirect_elsewhere),
    "redirect-scheme": Offence("{log} redirects to another protocol.", answers.redirect_elsewhere),
    "entry-count-wrong": Offence("{log} sent another number of entries than asked for.", answers.entry_count),
    "tile-short": Offence("{log} serves a tile of the wrong length.", answers.short_tile),
    "tile-wrong": Offence("{log} serves a tile of hashes that are not its tree's.", answers.wrong_tile),
    "data-tile-wrong": Offence("{log} serves a tile of entries that is none.", answers.wrong_data_tile),
    "issuer-missing": Offence(
        "{log} does not serve an issuer that its entries name.", answers.issuer_missing
    ),
    "issuer-wrong": Offence("{log} serves another certificate than the one asked for.", answers.issuer_wrong),
}
