"""/verify: proofs checked by the visitor's own browser, the files to check, and the checker to keep."""

from flask import Blueprint, Response, request, url_for

from monitor.values import CertificateDetail, LoggedEntry
from web.public.checker import FILE_NAME, SCRIPTS, single_file, single_file_hash
from web.public.errors import BadParameter, Missing
from web.public.language import say
from web.public.models.proof_file import proof_file
from web.public.negotiation import json_response, page
from web.public.sources import sources
from web.public.views.certificate import detail_of

blueprint = Blueprint("verify", __name__)


@blueprint.get("/verify")
def show() -> Response:
    """Show the checker; ``certificate``, ``log`` and ``index`` name a proof to begin with."""
    facts = {"checker": url_for("verify.checker"), "sha256": single_file_hash(), "proof": _proof_url()}
    return page("verify.html", facts, scripts=SCRIPTS, file_name=FILE_NAME)


def _proof_url() -> str:
    arguments = [request.args.get(name, "") for name in ("certificate", "log", "index")]
    if not any(arguments):
        return ""
    sha256, log, index = arguments
    if not index.isdecimal():
        raise BadParameter(say("index must be the entry's number in the log."), field="index")
    return url_for("verify.proof", sha256=sha256, log=log, index=int(index))


@blueprint.get("/verify/" + FILE_NAME)
def checker() -> Response:
    """Serve the checker as one file to keep."""
    response = Response(single_file(), mimetype="text/html")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return response


@blueprint.get("/certificate/<sha256>/proof/<log>/<int:index>")
def proof(sha256: str, log: str, index: int) -> Response:
    """Serve the proof that a certificate is entry ``index`` of a log, as a file of its own."""
    detail = detail_of(sha256)
    entry = next((found for found in detail.entries if (found.log, found.index) == (log, index)), None)
    if entry is None:
        raise Missing(say("This certificate is not known to be that entry of that log."))
    response = json_response(_made(detail, entry))
    response.headers["Content-Disposition"] = f'inline; filename="{log}-{index}.proof.json"'
    return response


def _made(detail: CertificateDetail, entry: LoggedEntry) -> dict[str, object]:
    monitor = sources().monitor
    path, state = monitor.inclusion(entry.log, entry.index), monitor.log(entry.log)
    if path is None or state is None:
        raise Missing(
            say("No verified tree head reaches this entry yet."), way_out=say("The next audit will.")
        )
    made = proof_file(detail, entry, path, state)
    if made is None:
        raise Missing(
            say("The entry's bytes are not kept here."), way_out=say("Ask the log: get-entry-and-proof.")
        )
    return made
