"""RFC 6962 section 4, message by message."""

from collections.abc import Callable, Mapping
from typing import Final
from wsgiref.types import WSGIEnvironment

from tlog.ct import CtLog, SubmissionRefused
from verifier.errors import MalformedInput
from verifier.transparency import api
from verifier.transparency.strict_json import decode_base64, encode_base64, parse_json
from web.logs.http import MAX_BODY, HttpError, Response, json_response, number, query, read_body

_Message = Callable[[CtLog, WSGIEnvironment], Response]


def add_chain(log: CtLog, environ: WSGIEnvironment) -> Response:
    """Section 4.1."""
    return json_response(api.sct_response(log.add_chain(_chain(environ))))


def add_pre_chain(log: CtLog, environ: WSGIEnvironment) -> Response:
    """Section 4.2."""
    return json_response(api.sct_response(log.add_pre_chain(_chain(environ))))


def get_sth(log: CtLog, _environ: WSGIEnvironment) -> Response:
    """Section 4.3."""
    return json_response(api.sth_response(log.get_sth()))


def get_sth_consistency(log: CtLog, environ: WSGIEnvironment) -> Response:
    """Section 4.4."""
    parameters = query(environ)
    proof = log.get_sth_consistency(number(parameters, "first"), number(parameters, "second"))
    return json_response(api.consistency_response(proof))


def get_proof_by_hash(log: CtLog, environ: WSGIEnvironment) -> Response:
    """Section 4.5."""
    parameters = query(environ)
    try:
        leaf_hash = decode_base64(parameters.get("hash", "").replace(" ", "+"))  # a plus sign not escaped
    except MalformedInput as error:
        raise HttpError(400, f"the parameter hash is not base64: {error}") from None
    index, path = log.get_proof_by_hash(leaf_hash, number(parameters, "tree_size"))
    return json_response(api.proof_response(index, path))


def get_entries(log: CtLog, environ: WSGIEnvironment) -> Response:
    """Section 4.6."""
    parameters = query(environ)
    entries = log.get_entries(number(parameters, "start"), number(parameters, "end"))
    return json_response(api.entries_response(entries))


def get_roots(log: CtLog, _environ: WSGIEnvironment) -> Response:
    """Section 4.7."""
    return json_response(api.roots_response(log.get_roots()))


def get_entry_and_proof(log: CtLog, environ: WSGIEnvironment) -> Response:
    """Section 4.8."""
    parameters = query(environ)
    entry, path = log.get_entry_and_proof(number(parameters, "leaf_index"), number(parameters, "tree_size"))
    return json_response({
        "leaf_input": encode_base64(entry.leaf_input),
        "extra_data": encode_base64(entry.extra_data),
        "audit_path": [encode_base64(node) for node in path],
    })


MESSAGES: Final[Mapping[str, tuple[str, _Message]]] = {
    "add-chain": ("POST", add_chain),
    "add-pre-chain": ("POST", add_pre_chain),
    "get-sth": ("GET", get_sth),
    "get-sth-consistency": ("GET", get_sth_consistency),
    "get-proof-by-hash": ("GET", get_proof_by_hash),
    "get-entries": ("GET", get_entries),
    "get-roots": ("GET", get_roots),
    "get-entry-and-proof": ("GET", get_entry_and_proof),
}


def _chain(environ: WSGIEnvironment) -> tuple[bytes, ...]:
    """Return the submitted chain; fields that the RFC does not name are left alone, as it asks."""
    try:
        return parse_json(read_body(environ), "the submission", maximum=MAX_BODY).base64s("chain")
    except MalformedInput as error:
        raise SubmissionRefused(str(error)) from error
