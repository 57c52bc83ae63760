"""The rules that a certificate must keep, one a file, each with its citation.

They run twice: on a copy signed by a throw-away key before the CA's key touches it, and on the result.
"""

from collections.abc import Iterator

from issuer.errors import LintFailed
from issuer.lints import (
    authority_key_identifier,
    basic_constraints,
    common_name_in_san,
    dns_name_syntax,
    extended_key_usage,
    issuer_name,
    key_strength,
    key_usage,
    maximum_validity,
    name_constraints,
    no_underscore,
    own_key,
    poison_and_scts,
    revocation_pointers,
    serial_number,
    signature_algorithm,
    subject_alt_name,
    subject_key_identifier,
    unique_extensions,
    unique_names,
    validity_backdated,
    validity_encoding,
    validity_within_issuer,
    version,
)
from issuer.lints.rule import Kind, LintTarget, Rule

RULES: tuple[Rule, ...] = (
    authority_key_identifier.RULE,
    basic_constraints.RULE,
    common_name_in_san.RULE,
    dns_name_syntax.RULE,
    extended_key_usage.RULE,
    issuer_name.RULE,
    key_strength.RULE,
    key_usage.RULE,
    maximum_validity.RULE,
    name_constraints.RULE,
    no_underscore.RULE,
    own_key.RULE,
    poison_and_scts.RULE,
    revocation_pointers.RULE,
    serial_number.RULE,
    signature_algorithm.RULE,
    subject_alt_name.RULE,
    subject_key_identifier.RULE,
    unique_extensions.RULE,
    unique_names.RULE,
    validity_backdated.RULE,
    validity_encoding.RULE,
    validity_within_issuer.RULE,
    version.RULE,
)

__all__ = ["RULES", "Kind", "LintTarget", "Rule", "findings", "lint"]


def findings(target: LintTarget, *, waived: frozenset[str] = frozenset()) -> Iterator[tuple[Rule, str]]:
    """Yield every broken rule that is in effect, applies to this kind and is not waived by name."""
    for rule in RULES:
        if rule.name in waived or target.kind not in rule.kinds or target.now.date() < rule.effective:
            continue
        for sentence in rule.check(target):
            yield rule, sentence


def lint(target: LintTarget, *, waived: frozenset[str] = frozenset()) -> None:
    """Pass, or raise.

    :param waived: rules by name; only the demo's deliberately bad certificates waive any.
    :raises LintFailed: naming each broken rule with its citation.
    """
    broken = [
        f"{rule.name}: {sentence} ({rule.citation})" for rule, sentence in findings(target, waived=waived)
    ]
    if broken:
        raise LintFailed("certificate not issued; " + "; ".join(broken))
