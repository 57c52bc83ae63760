"""Transparency: enough public logs have promised to show the certificate, and they keep their word."""

from collections.abc import Callable
from typing import Final

from verifier.certificates import Path
from verifier.judge.case import Case, Check, Result, count, day, failed, listed, not_reached, note, passed
from verifier.judge.scts import Assessment, JudgedSct
from verifier.judge.verdict import Code, NoteCode

_NOT_ASKED = "The policy asks for no promises of logs."
_NO_ISSUER = "The certificate's issuer is not there, and a log's promise is about the issuer too."
_NONE = "There is no promise to look at."


def _present(case: Case) -> Result:
    rules = case.rules
    section = f"policy {rules.section}"
    if rules.scts == 0:
        return note(NoteCode.SCT_NOT_CHECKED, _NOT_ASKED, "", section)
    if not rules.log_lists:
        text = "Whether public logs know this certificate was not checked: the policy names no list of logs."
        return note(NoteCode.SCT_NOT_CHECKED, text, "", section)
    if case.leaf is None or case.issuer is None:
        return not_reached(_NO_ISSUER)
    found = case.transparency
    if not found.scts and not found.malformed:
        text = "No log has promised to show this certificate, so it may have been issued in secret."
        return failed(text, case.leaf.display_name, _wanted(found))
    sources = tuple(dict.fromkeys(sct.source for sct in found.scts))
    promises = count(len(found.scts), "promise")
    text = f"The certificate comes with {promises} of logs to show it to everybody."
    return passed(text, listed(sources), "certificate, TLS extension, stapled OCSP response")


def _valid(_case: Case, found: Assessment) -> Result:
    if found.malformed:
        return failed(f"A list of logs' promises is damaged: {found.malformed[0]}.", found.malformed[0])
    for sct in found.invalid:
        text = f"The promise of {sct.log_name} is void: {sct.invalid}."
        return failed(text, _subject(sct), f"the log's key in list {sct.list_name!r}")
    known = [sct for sct in found.scts if sct.log is not None]
    if not known:
        return not_reached("No promise is of a log that the policy's lists know.")
    text = f"{_count_of_valid(known)} for this very certificate: {_names(known)}."
    return passed(text, listed([_subject(sct) for sct in known]), "the logs' keys")


def _known(case: Case, found: Assessment) -> Result:
    if len(found.missing_lists) == len(case.rules.log_lists):
        text = f"The list of logs {listed(found.missing_lists)} could not be loaded, so no log is known."
        return failed(text, "", listed(found.missing_lists), Code.CHECK_FAILED)
    unknown = listed([sct.log_name for sct in found.unknown])
    lists = f"log lists {listed(case.rules.log_lists)}"
    if found.unknown and found.requirement.lacking(found.genuine):
        text = f"A promise is of a log that none of the policy's lists names: {unknown}."
        return failed(text, unknown, lists)
    extra = f" (not counted: {unknown}, which no list names)" if unknown else ""
    return passed(f"The lists that the policy names know the logs{extra}.", _names(found.genuine), lists)


def _enough(case: Case, found: Assessment) -> Result:
    if len(found.missing_lists) == len(case.rules.log_lists):
        return not_reached("No list of logs could be loaded.")
    wanted = _wanted(found)
    lacking = found.requirement.lacking(found.genuine)
    if lacking:
        return failed(f"Too few independent logs vouch for this certificate: {lacking}.", lacking, wanted)
    logs, section = _names(found.genuine), f"{wanted}, policy {case.rules.section}"
    return passed(f"Enough distinct logs vouch for this certificate: {logs}.", logs, section)


def _trusted(_case: Case, found: Assessment) -> Result:
    """Genuine promises of logs that lost their standing no longer count towards the number."""
    fallen = {sct.log_name: sct.unreliable for sct in found.genuine if sct.unreliable}
    words = listed([f"{name} ({reason})" for name, reason in fallen.items()])
    wanted = _wanted(found)
    if fallen and (lacking := found.requirement.lacking(found.reliable)):
        text = f"Without the logs whose word no longer counts, too few are left, {lacking}: {words}."
        return failed(text, words, wanted)
    if found.requirement.lacks_good_log(found.reliable):
        text = f"Every log that vouches has meanwhile been retired: {_names(found.reliable)}."
        return failed(text, _names(found.reliable), "one log in good standing")
    extra = f" (not counted: {words})" if fallen else ""
    text = f"The logs that vouch are in good standing{extra}: {_names(found.reliable)}."
    return passed(text, _names(found.reliable), "log states and audits")


def _included(case: Case, found: Assessment) -> Result:
    broken = [sct for sct in found.genuine if sct.is_among(case.trust.not_included)]
    if broken:
        text = f"{broken[0].log_name} promised to show this certificate and did not."
        return failed(text, _subject(broken[0]), "the log's Merkle tree")
    pending = [sct for sct in found.reliable if not sct.is_among(case.trust.included)]
    if not pending:
        text = f"The logs kept their promise; the certificate was found in {_names(found.reliable)}."
        return passed(text, _names(found.reliable), "the logs' Merkle trees")
    due = max(sct.relied().due for sct in pending)
    text = f"The logs have until {day(due)} to show the certificate; it will be looked up there."
    return note(NoteCode.SCT_INCLUSION_PENDING, text, _names(pending), day(due))


def _independent(case: Case, found: Assessment) -> Result:
    issuer = _issuer_operator(case)
    same = [sct for sct in found.reliable if _same(issuer, sct.operator)]
    operators = listed(sorted({sct.operator or "an unnamed operator" for sct in found.reliable}))
    if same:
        text = f"{same[0].operator} issued the certificate and also runs {_names(same)}: one voice, not two."
        return note(NoteCode.SAME_OPERATOR, text, _names(same), issuer)
    text = f"The logs are run by others than the issuer: {operators}."
    return passed(text, operators, issuer)


def _issuer_operator(case: Case) -> str:
    """Who runs the issuing CA: we know it of our own, others say it in their certificate."""
    if not isinstance(case.path, Path):
        return ""
    own = {certificate.public_key.spki for certificate in (*case.trust.issuers, *case.trust.own_roots)}
    if any(certificate.public_key.spki in own for certificate in case.path.certificates[1:]):
        return case.trust.issuer_operator or case.trust.operator
    return case.path.issuer.organisation


def _same(issuer: str, operator: str) -> bool:
    """Whether the names are one organisation's: "Sectigo" runs the logs of "Sectigo Limited"."""
    first, second = sorted((issuer.casefold().split(), operator.casefold().split()), key=len)
    return bool(first) and second[: len(first)] == first


def _with_scts(step: Callable[[Case, Assessment], Result]) -> Callable[[Case], Result]:
    """The step, where the policy asks for SCTs and there are any; an earlier finding says why otherwise."""

    def run(case: Case) -> Result:
        if case.rules.scts == 0 or not case.rules.log_lists:
            return not_reached(_NOT_ASKED)
        if case.leaf is None or case.issuer is None:
            return not_reached(_NO_ISSUER)
        found = case.transparency
        return step(case, found) if found.scts or found.malformed else not_reached(_NONE)

    return run


def _wanted(found: Assessment) -> str:
    wanted = found.requirement
    operators = f" of {count(wanted.operators, 'operator')}" if wanted.operators else ""
    return f"{count(wanted.logs, 'distinct log')}{operators}"


def _subject(sct: JudgedSct) -> str:
    return f"{sct.log_name}, {day(sct.sct.time)}, in the {sct.source}"


def _names(scts: tuple[JudgedSct, ...] | list[JudgedSct]) -> str:
    return listed(list(dict.fromkeys(sct.log_name for sct in scts))) or "none"


def _count_of_valid(known: list[JudgedSct]) -> str:
    return "The promise is genuine and" if len(known) == 1 else f"All {len(known)} promises are genuine and"


CHECKS: Final = (
    Check("sct-presence", "Logged", Code.SCT_MISSING, "RFC 6962 section 3.3", _present),
    Check("sct-signatures", "Genuine promises", Code.SCT_INVALID, "RFC 6962 section 3.2", _with_scts(_valid)),
    Check("sct-logs", "Known logs", Code.SCT_UNKNOWN_LOG, "RFC 6962 section 3.2", _with_scts(_known)),
    Check("sct-count", "Enough logs", Code.SCT_TOO_FEW, "browsers' CT policies", _with_scts(_enough)),
    Check("log-standing", "Trusted logs", Code.LOG_DISTRUSTED, "RFC 6962 section 5.3", _with_scts(_trusted)),
    Check(
        "sct-inclusion",
        "Promise kept",
        Code.SCT_NOT_INCLUDED,
        "RFC 6962 section 2.1.1",
        _with_scts(_included),
    ),
    Check("log-operators", "Independent logs", None, "browsers' CT policies", _with_scts(_independent)),
)
