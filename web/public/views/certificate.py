"""/certificate/<sha256>: everything that the public record has on one certificate."""

import re
from datetime import timedelta

from flask import Blueprint, Response, request, url_for
from markupsafe import Markup

from monitor.errors import QueryError
from monitor.values import CertificateDetail, CertificateSummary, LoggedEntry, Query
from web.public.drawing import draw_chains, draw_lifetime, draw_proof
from web.public.errors import BadParameter, Missing
from web.public.language import say
from web.public.models.certificate import (
    certificate_facts,
    certificate_said,
    chain_of,
    names_of,
    promises,
    revocation_said,
)
from web.public.models.extensions import extensions_shown, purposes
from web.public.models.proof import walk
from web.public.models.rows import algorithm_words, certificate_row, common_name, summary_facts
from web.public.negotiation import output_form, page
from web.public.pictures import inline
from web.public.sources import sources

blueprint = Blueprint("certificate", __name__)

_INCLUSIVE = timedelta(seconds=1)  # both ends belong to the validity (RFC 5280 section 4.1.2.5)
_SAME_KEY = 20
_FORMS = ("html", "json", "pem", "der", "chain")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/certificate/<sha256>")
def show(sha256: str) -> Response:
    """Show one certificate, by the SHA-256 of its DER or of its precertificate's."""
    form = output_form(_FORMS)
    detail = detail_of(sha256)
    if form in {"pem", "der", "chain"}:
        return _download(detail, form)
    return _page(detail)


def detail_of(sha256: str) -> CertificateDetail:
    """Return what is known of the certificate with this fingerprint; raises BadParameter, Missing."""
    wanted = sha256.lower().replace(":", "")
    if not _SHA256.fullmatch(wanted):
        raise BadParameter(
            say("A certificate's address ends in its SHA-256 fingerprint: 64 hexadecimal digits."),
            field="sha256",
        )
    detail = sources().monitor.certificate(bytes.fromhex(wanted))
    if detail is None:
        raise Missing(
            say("No certificate with this fingerprint has been seen in the logs."),
            way_out=say("One that was issued just now appears after the next audit."),
        )
    return detail


def _download(detail: CertificateDetail, form: str) -> Response:
    name = detail.summary.sha256.hex()[:16]
    if form == "der":
        response = Response(detail.certificate.der, content_type="application/pkix-cert")
        name += ".crt"
    else:
        chain = detail.chain if form == "chain" else ()
        pem = "".join(one.pem for one in (detail.certificate, *chain))
        response = Response(pem, content_type="application/x-pem-file")
        name += "-chain.pem" if form == "chain" else ".pem"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(detail: CertificateDetail) -> Response:
    now, summary, certificate = sources().now, detail.summary, detail.certificate
    pair = sources().monitor.certificate(detail.pair.sha256) if detail.pair else None
    proofs = [_proof(entry) for entry in detail.entries]
    extensions = extensions_shown(certificate)
    facts = certificate_facts(detail, extensions, now)
    others, following = _same_key(detail)
    facts["same_key"] = [summary_facts(other) for other in others]
    facts["same_key_next"] = following
    facts["proofs"] = [proof["facts"] for proof in proofs if proof["facts"]]
    return page(
        "certificate.html", facts, detail=detail, summary=summary, certificate=certificate, pair=pair,
        said=certificate_said(detail, now), revocation=revocation_said(detail.revocation),
        names=names_of(certificate), algorithm=algorithm_words(summary.algorithm, summary.key_bits),
        issuer=common_name(summary.issuer), usages=purposes(certificate),
        promises=promises(detail.scts, now, ours=_ours(detail)),
        pair_algorithm=algorithm_words(pair.summary.algorithm, pair.summary.key_bits) if pair else "",
        pair_said=certificate_said(pair, now) if pair else None,
        same_key=[certificate_row(other, now) for other in others], same_key_next=following,
        side_by_side=_beside(detail, pair), proofs=proofs, extensions=extensions,
        chains=_chains(detail, pair),
        lifetime=inline(draw_lifetime(summary.not_before, summary.not_after, now)),
        expired=summary.not_after < now, length=summary.not_after - summary.not_before + _INCLUSIVE,
    )  # fmt: skip


def _same_key(detail: CertificateDetail) -> tuple[tuple[CertificateSummary, ...], str | None]:
    """Return other certificates of the same public key, the newest first, and where there are more."""
    key = detail.certificate.public_key.key_id.hex()
    query = Query(f"spki:{key}", after=request.args.get("same_key_after") or None, limit=_SAME_KEY)
    try:
        found = sources().monitor.search(query, sources().now)
    except QueryError as error:
        wrong = say("same_key_after must be the cursor of an earlier page.")
        raise BadParameter(wrong, field="same_key_after") from error
    others = tuple(other for other in found.results if other.tbs_hash != detail.summary.tbs_hash)
    if found.cursor is None:
        return others, None
    sha256 = detail.summary.sha256.hex()
    return others, url_for("certificate.show", sha256=sha256, same_key_after=found.cursor)


def _ours(detail: CertificateDetail) -> bool:
    """Tell whether a CA of this service issued the certificate."""
    known = sources()
    issuers = {known.ca_certificate(name).fingerprint for name in known.ca_names()}
    return any(above.fingerprint in issuers for above in detail.chain[:1])


def _beside(detail: CertificateDetail, pair: CertificateDetail | None) -> list[dict[str, object]]:
    """Return what a table of both certificates of a pair shows, SM2 first; nothing without a pair."""
    both = sorted((detail, pair), key=lambda one: one.summary.algorithm != "sm2") if pair else []
    return [
        {
            "detail": one,
            "algorithm": algorithm_words(one.summary.algorithm, one.summary.key_bits),
            "said": certificate_said(one, sources().now),
            "revocation": revocation_said(one.revocation),
            "logs": [sct.log or sct.log_id.hex()[:16] for sct in one.scts],
            "issuer": common_name(one.summary.issuer),
        }
        for one in both
    ]


def _proof(entry: LoggedEntry) -> dict[str, object]:
    """Walk the proof of one log entry again and draw it; an entry above the verified head has none."""
    given = sources().monitor.inclusion(entry.log, entry.index) if entry.included else None
    if given is None:
        return {"entry": entry, "path": None, "picture": "", "facts": None, "head": None}
    path = walk(
        given.leaf_index, given.head.tree_size, given.leaf_hash, given.audit_path, given.head.root_hash
    )
    facts = {
        "log": given.log,
        "timestamp": given.head.timestamp,
        "tree_head_signature": given.head.signature,
        "leaf_index": given.leaf_index,
        "leaf_hash": given.leaf_hash,
        "audit_path": given.audit_path,
        "tree_size": given.head.tree_size,
        "sha256_root_hash": given.head.root_hash,
        "verified": path.agrees,
    }
    picture = inline(draw_proof(path))
    return {"entry": entry, "path": path, "picture": picture, "facts": facts, "head": given.head}


def _chains(detail: CertificateDetail, pair: CertificateDetail | None) -> Markup:
    """Draw the chain, or of a dual certificate both, SM2 on the left."""
    links = {
        found.summary.sha256: url_for("certificate.show", sha256=found.summary.sha256.hex())
        for found in (detail, pair)
        if found
    }
    for found in (detail, pair):
        for above in found.chain if found else ():
            links[above.fingerprint] = url_for("issuers.show", _anchor=above.fingerprint.hex()[:16])
    drawn = [chain_of(detail, links, current=True)]
    if pair:
        drawn.append(chain_of(pair, links, current=False))
    drawn.sort(key=lambda chain: chain.kind != "sm2")
    return inline(draw_chains(tuple(drawn)))
