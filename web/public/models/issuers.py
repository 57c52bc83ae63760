"""The CAs of this service, and those that the logs' chains name, as trees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.values import IssuerState
from verifier.algorithms import KeyAlgorithm
from verifier.certificates import Certificate
from web.public.drawing import Issuer
from web.public.language import Text, say
from web.public.models.certificate import role_of
from web.public.models.extensions import purposes
from web.public.models.rows import algorithm_words, common_name
from web.public.text import day


@dataclass(frozen=True, slots=True)
class Authority:
    """One CA: its certificate, the name it is published under, and how many certificates of it are logged."""

    certificate: Certificate
    published: str
    logged: int
    has_crl: bool

    @property
    def anchor(self) -> str:
        """The place on the page that describes it."""
        return self.certificate.fingerprint.hex()[:16]

    @property
    def algorithm(self) -> Text:
        """Its key in words."""
        key = self.certificate.public_key
        return algorithm_words(key.algorithm.value, key.bits)

    @property
    def role(self) -> Text:
        """What it is: a root or an issuing CA."""
        return role_of(self.certificate)

    @property
    def issued_by(self) -> str:
        """Its issuer's common name."""
        return common_name(self.certificate.issuer)

    @property
    def purposes(self) -> tuple[Text, ...]:
        """What it may issue for; nothing means anything."""
        return purposes(self.certificate)


@dataclass(frozen=True, slots=True)
class Tree:
    """A root and everything below it, in the order in which they are drawn."""

    heading: Text
    members: tuple[Authority, ...]
    drawn: Issuer


def authorities(
    published: Mapping[str, Certificate], crls: Iterable[str], seen: Sequence[IssuerState]
) -> tuple[Authority, ...]:
    """Join the CAs that are published here with those seen in the logs; each certificate once."""
    counts = {state.sha256: state.certificates for state in seen}
    have_crl = frozenset(crls)
    ours = [
        Authority(certificate, name, counts.get(certificate.fingerprint, 0), name in have_crl)
        for name, certificate in published.items()
    ]
    known = {authority.certificate.fingerprint for authority in ours}
    others = [
        Authority(state.certificate, "", state.certificates, False)
        for state in seen
        if state.sha256 not in known
    ]
    return (*ours, *others)


def trees(members: Sequence[Authority]) -> tuple[Tree, ...]:
    """Arrange CAs into trees by their names: those of this service first, SM2 before the others.

    A CA whose issuer is not among ``members`` stands at the top of a tree of its own.
    """
    tops = [member for member in members if _parent(member, members) is None]
    tops.sort(key=lambda top: (not top.published, not _is_sm2(top), top.certificate.subject))
    return tuple(_tree(top, members) for top in tops)


def _tree(top: Authority, members: Sequence[Authority]) -> Tree:
    below = _below(top, members, (top.certificate.fingerprint,))
    heading = Text("SM2", "SM2") if _is_sm2(top) else Text("ECC", "ECC") if _is_ecc(top) else top.algorithm
    return Tree(heading, (top, *below), _drawn(top, members, (top.certificate.fingerprint,)))


def _below(above: Authority, members: Sequence[Authority], seen: tuple[bytes, ...]) -> tuple[Authority, ...]:
    found: list[Authority] = []
    for child in _children(above, members, seen):
        found += [child, *_below(child, members, (*seen, child.certificate.fingerprint))]
    return tuple(found)


def _drawn(member: Authority, members: Sequence[Authority], seen: tuple[bytes, ...]) -> Issuer:
    certificate = member.certificate
    note = say("{role} · until {day}", role=member.role, day=day(certificate.not_after))
    if member.logged:
        note = say("{note} · {count} logged", note=note, count=f"{member.logged:,}")
    return Issuer(
        certificate.display_name,
        note,
        f"#{member.anchor}",
        "sm2" if _is_sm2(member) else "ecc",
        tuple(
            _drawn(child, members, (*seen, child.certificate.fingerprint))
            for child in _children(member, members, seen)
        ),
    )


def _children(above: Authority, members: Sequence[Authority], seen: tuple[bytes, ...]) -> list[Authority]:
    children = [member for member in members if _parent(member, members) is above]
    return [child for child in children if child.certificate.fingerprint not in seen]


def _parent(member: Authority, members: Sequence[Authority]) -> Authority | None:
    """Return the member that issued it, by name and key identifier."""
    certificate = member.certificate
    if certificate.self_issued:
        return None
    for other in members:
        issuer = other.certificate
        same_key = certificate.authority_key_id in {None, issuer.subject_key_id}
        if issuer.is_ca and issuer.subject_der == certificate.issuer_der and same_key:
            return other
    return None


def _is_sm2(member: Authority) -> bool:
    return member.certificate.public_key.algorithm is KeyAlgorithm.SM2


def _is_ecc(member: Authority) -> bool:
    return member.certificate.public_key.algorithm is KeyAlgorithm.ECDSA


def authority_facts(member: Authority) -> dict[str, Any]:
    """Return a CA's facts for JSON."""
    certificate = member.certificate
    return {
        "name": member.published or None,
        "sha256": certificate.fingerprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "role": member.role,
        "algorithm": certificate.public_key.algorithm,
        "key_bits": certificate.public_key.bits,
        "key_sha256": certificate.public_key.key_id,
        "serial": f"{certificate.serial:x}",
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "path_length": certificate.path_length,
        "purposes": member.purposes,
        "certificates_logged": member.logged,
        "certificate": f"/ca/{member.published}.crt" if member.published else None,
        "crl": f"/crl/{member.published}.crl" if member.has_crl else None,
        "pem": certificate.pem,
    }
