"""Offences in the entries: served otherwise than signed, or never fit to be logged (RFC 6962 section 3)."""

from hashlib import sha256
from typing import Final

from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.transparency.entries import PrecertEntry, TimestampedEntry, X509Entry, leaf_hash
from verifier.transparency.entries import parse_merkle_tree_leaf as parse_leaf
from verifier.transparency.evidence.absence import absent
from verifier.transparency.evidence.case import Case, Result, moment, short
from verifier.transparency.extensions import named_index
from verifier.transparency.merkle import MAX_SIZE, CompactRange
from verifier.transparency.tree_head import SignedTreeHead

PRECERTIFICATE_SIGNING: Final = "1.3.6.1.4.1.11129.2.4.4"  # RFC 6962 section 3.1


def root_mismatch(case: Case) -> Result:
    """The entries as served do not have the root that the log signed for them."""
    head, computed = case.head(), case.material.base64("computed_root")
    entries = case.material.member("entries")
    start, leaves = entries.integer("start", maximum=MAX_SIZE), entries.base64s("leaf_hashes")
    if "peaks" in entries and start + len(leaves) == head.tree_size:
        tree = CompactRange(start, entries.base64s("peaks"))
        tree.extend(leaves)
        case.require(tree.root() == computed, f"the recorded leaf hashes have the root {short(computed)}")
    case.require(computed != head.root_hash, f"the log signed {short(head.root_hash)}, not {short(computed)}")
    return Result.OBSERVED


def altered(case: Case) -> Result:
    """An entry served with other bytes than those in the tree."""
    head, index = _first_wrong(case)
    served = leaf_hash(case.material.base64("leaf_input"))
    if "leaf_hash" in case.material:
        true = case.material.base64("leaf_hash")
        case.require_included(true, index, head, case.material.base64s("audit_path"), f"Leaf {short(true)}")
        case.require(served != true, f"entry {index} was served as {short(served)}")
    return Result.OBSERVED


def dropped(case: Case) -> Result:
    """An entry left out: what was served in its place stands one further, and so does the next."""
    head, index = _first_wrong(case)
    case.require(_stands(case, head) == index + 1, f"entry {index + 1} was served as entry {index}")
    if "following" in case.material:
        following = case.material.member("following")
        place = following.integer("leaf_index", maximum=MAX_SIZE)
        path = following.base64s("audit_path")
        case.require_included(following.base64("leaf_hash"), place, head, path, "What was served after it")
        case.require(place == index + 2, f"entry {index + 2} was served as entry {index + 1}")
    return Result.OBSERVED


def reordered(case: Case) -> Result:
    """An entry served before its place."""
    head, index = _first_wrong(case)
    place = _stands(case, head)
    case.require(place > index, f"entry {place} was served as entry {index}")
    return Result.OBSERVED


def duplicated(case: Case) -> Result:
    """An entry served a second time in the place of another."""
    head, index = _first_wrong(case)
    place = _stands(case, head)
    case.require(place < index, f"entry {place} was served once more, as entry {index}")
    return Result.OBSERVED


def _first_wrong(case: Case) -> tuple[SignedTreeHead, int]:
    """The head, and the index up to which what was served is what the log signed."""
    head, index = case.head(), case.material.integer("index", maximum=MAX_SIZE)
    if index:
        proof = case.material.base64s("consistency")
        case.require_beginning(
            index, case.material.base64("prefix_root"), head, proof, "Up to there it is right"
        )
    return head, index


def _stands(case: Case, head: SignedTreeHead) -> int:
    """Where the entry that was served really stands."""
    place = case.material.integer("leaf_index", maximum=MAX_SIZE)
    served = leaf_hash(case.material.base64("leaf_input"))
    case.require_included(served, place, head, case.material.base64s("audit_path"), "What was served")
    return place


def repeated(case: Case) -> Result:
    """One leaf at two places of one tree."""
    head, leaf = case.head(), case.material.base64("leaf_hash")
    places = set()
    for name in ("first", "second"):
        place = case.material.member(name)
        index = place.integer("leaf_index", maximum=MAX_SIZE)
        case.require_included(leaf, index, head, place.base64s("audit_path"), f"Leaf {short(leaf)}")
        places.add(index)
    case.require(len(places) > 1, "these are two places")
    return Result.PROVEN


# what must not be logged


def included_entry(case: Case) -> tuple[SignedTreeHead, TimestampedEntry]:
    """The signed head, and the entry that it holds for certain."""
    head, leaf = case.head(), case.material.base64("leaf_input")
    index = case.material.integer("leaf_index", maximum=MAX_SIZE)
    case.require_included(leaf_hash(leaf), index, head, case.material.base64s("audit_path"), "The entry")
    return head, parse_leaf(leaf)


def after_head(case: Case) -> Result:
    """An entry of the tree that is dated after the tree's own head (section 3.5)."""
    head, entry = included_entry(case)
    case.require(
        entry.timestamp > head.timestamp,
        f"the entry is dated {entry.time:%Y-%m-%d %H:%M:%S} UTC, after the head ({moment(head)})",
    )
    return Result.PROVEN


def merged_late(case: Case) -> Result:
    """An entry older than the merge delay at an earlier head that did not hold it (section 3).

    The entry's date is that of the SCT that was given for it. Where the entry does not name its own place, it
    must not have stood in the earlier tree already, for then this is only a second copy.
    """
    _, entry = included_entry(case)
    early, index = case.head("previous_tree_head"), case.material.integer("leaf_index", maximum=MAX_SIZE)
    case.require(early.tree_size <= index, f"the head of {early.tree_size} entries did not reach it")
    due = entry.time + case.log.mmd
    case.require(
        early.time > due,
        f"its SCT is of {entry.time:%Y-%m-%d %H:%M:%S} UTC; with the merge delay of"
        f" {int(case.log.mmd.total_seconds())} s it was due before that head ({moment(early)})",
    )
    if named_index(entry.extensions) == index:
        case.require(True, f"the entry names its own place, {index}")
        return Result.PROVEN
    return absent(case, leaf_hash(case.material.base64("leaf_input")), early)


def index_wrong(case: Case) -> Result:
    """An entry that names another place than the one where it stands (static-ct-api, SCT Extension)."""
    _, entry = included_entry(case)
    index, named = case.material.integer("leaf_index", maximum=MAX_SIZE), named_index(entry.extensions)
    case.require(named is not None, "the entry names its place")
    case.require(named != index, f"it says that it is entry {named}, which is not {index}")
    return Result.PROVEN


def outside_shard(case: Case) -> Result:
    """A certificate that expires outside the interval for which the log list names the log."""
    _, entry = included_entry(case)
    certificate = _certificate_of(case, entry)
    interval = case.material.member("interval")
    start, end = interval.time("start_inclusive"), interval.time("end_exclusive")
    case.require(
        not start <= certificate.not_after < end,
        f"it expires {certificate.not_after:%Y-%m-%d}, the log takes {start:%Y-%m-%d} to {end:%Y-%m-%d}",
    )
    return Result.PROVEN


def issuer_key_hash_wrong(case: Case) -> Result:
    """A precertificate's entry under another key than its issuer's (section 3.2).

    A certificate that only signs precertificates may stand between (section 3.1). The entry names its
    issuer's key then, and has that issuer's name in its TBSCertificate: the two cannot be compared.
    """
    _, entry = included_entry(case)
    issuer, signer = Certificate.parse(case.material.base64("issuer")), None
    if "signer" in case.material:
        signer, certificate = (Certificate.parse(case.material.base64(n)) for n in ("signer", "certificate"))
        case.require(_signed(signer, issuer), f"{issuer.display_name} signed {signer.display_name}")
        case.require(_only_precertificates(signer), f"{signer.display_name} signs precertificates only")
    else:
        certificate = _certificate_of(case, entry)
    by = signer or issuer
    case.require(_signed(certificate, by), f"{by.display_name} signed the precertificate")
    case.require(not _only_precertificates(issuer), f"{issuer.display_name} is an issuer")
    named = entry.entry.issuer_key_hash if isinstance(entry.entry, PrecertEntry) else b""
    case.require(
        named != sha256(issuer.public_key.spki).digest(),
        f"the entry names the issuer key {short(named)}, which is not the issuer's",
    )
    return Result.OBSERVED if signer else Result.PROVEN


def _only_precertificates(certificate: Certificate) -> bool:
    return PRECERTIFICATE_SIGNING in certificate.extended_key_usage


def precertificate_differs(case: Case) -> Result:
    """A precertificate beside a leaf whose TBSCertificate it does not have."""
    _, entry = included_entry(case)
    certificate = Certificate.parse(case.material.base64("certificate"))
    case.require(
        isinstance(entry.entry, PrecertEntry) and certificate.precertificate_tbs != entry.entry.tbs,
        "the precertificate served beside the entry has another TBSCertificate than the entry",
    )
    return Result.OBSERVED


def root_unknown(case: Case) -> Result:
    """A chain that ends at a root which the log does not name among those it accepts."""
    _, entry = included_entry(case)
    chain = [Certificate.parse(der) for der in case.material.base64s("chain")]
    _certificate_of(case, entry)
    accepted = set(case.material.base64s("roots"))
    case.require(chain, "the chain as recorded has an end")
    case.require(
        chain[-1].fingerprint not in accepted,
        f"it ends with {chain[-1].display_name}, which is none of the {len(accepted)} roots of get-roots",
    )
    return Result.OBSERVED


def final_differs(case: Case) -> Result:
    """A certificate that is not the one its precertificate announced: the issuer's offence (section 3.1)."""
    final = Certificate.parse(case.material.base64("certificate"))
    announced = Certificate.parse(case.material.base64("precertificate"))
    issuer = Certificate.parse(case.material.base64("issuer"))
    case.require(
        announced.is_precertificate and not final.is_precertificate, "a precertificate and a final one"
    )
    case.require(_signed(final, issuer) and _signed(announced, issuer), f"{issuer.display_name} signed both")
    case.require(final.serial == announced.serial, f"both have the serial number {final.serial:x}")
    case.require(
        final.precertificate_tbs != announced.precertificate_tbs, "what they say of the subject differs"
    )
    return Result.PROVEN


def _certificate_of(case: Case, entry: TimestampedEntry) -> Certificate:
    """The certificate of an entry; a precertificate stands beside it and must have its TBSCertificate."""
    if isinstance(entry.entry, X509Entry):
        return Certificate.parse(entry.entry.certificate)
    certificate = Certificate.parse(case.material.base64("certificate"))
    case.require(certificate.precertificate_tbs == entry.entry.tbs, "the precertificate is the entry's")
    return certificate


def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_signed_by(issuer)
    except VerifierError:
        return False
    return True
