"""RFC 6962 section 4, message by message."""

from collections.abc import Callable, Mapping
from typing import Final

from tlog.ct import ServedLog, SubmissionRefused
from tlog.ct.submission import Submission
from verifier.errors import MalformedInput
from verifier.transparency import api
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.strict_json import decode_base64, encode_base64, parse_json
from web.logs.http import MAX_BODY, HttpError, Request, Response, json_response, number, query, text

HASH_BYTES: Final = 32

_Question = Callable[[ServedLog, Request], Response]
_Submission = Callable[[ServedLog, Request], Submission]


def add_chain(log: ServedLog, request: Request) -> Submission:
    """Section 4.1; ``promise_response`` is the answer."""
    return log.submit(_chain(request), precertificate=False)


def add_pre_chain(log: ServedLog, request: Request) -> Submission:
    """Section 4.2; ``promise_response`` is the answer."""
    return log.submit(_chain(request), precertificate=True)


def promise_response(sct: SignedCertificateTimestamp) -> Response:
    """The answer to a submission."""
    return json_response(api.sct_response(sct))


def get_sth(log: ServedLog, _request: Request) -> Response:
    """Section 4.3."""
    return json_response(api.sth_response(log.get_sth()))


def get_sth_consistency(log: ServedLog, request: Request) -> Response:
    """Section 4.4."""
    parameters = query(request)
    proof = log.get_sth_consistency(number(parameters, "first"), number(parameters, "second"))
    return json_response(api.consistency_response(proof))


def get_proof_by_hash(log: ServedLog, request: Request) -> Response:
    """Section 4.5."""
    parameters = query(request)
    index, path = log.get_proof_by_hash(_leaf_hash(parameters), number(parameters, "tree_size"))
    return json_response(api.proof_response(index, path))


def get_entries(log: ServedLog, request: Request) -> Response:
    """Section 4.6."""
    parameters = query(request)
    entries = log.get_entries(number(parameters, "start"), number(parameters, "end"))
    return json_response(api.entries_response(entries))


def get_roots(log: ServedLog, _request: Request) -> Response:
    """Section 4.7."""
    return json_response(api.roots_response(log.get_roots()))


def get_entry_and_proof(log: ServedLog, request: Request) -> Response:
    """Section 4.8."""
    parameters = query(request)
    entry, path = log.get_entry_and_proof(number(parameters, "leaf_index"), number(parameters, "tree_size"))
    return json_response({
        "leaf_input": encode_base64(entry.leaf_input),
        "extra_data": encode_base64(entry.extra_data),
        "audit_path": [encode_base64(node) for node in path],
    })


SUBMISSION_MESSAGES: Final[Mapping[str, _Submission]] = {
    "add-chain": add_chain,
    "add-pre-chain": add_pre_chain,
}

QUESTION_MESSAGES: Final[Mapping[str, _Question]] = {
    "get-sth": get_sth,
    "get-sth-consistency": get_sth_consistency,
    "get-proof-by-hash": get_proof_by_hash,
    "get-entries": get_entries,
    "get-roots": get_roots,
    "get-entry-and-proof": get_entry_and_proof,
}


def _leaf_hash(parameters: Mapping[str, str]) -> bytes:
    """Return the parameter hash; raises HttpError."""
    try:
        leaf_hash = decode_base64(text(parameters, "hash").replace(" ", "+"))  # a plus sign not escaped
    except MalformedInput as error:
        raise HttpError(400, f"the parameter hash is not base64: {error}") from None
    if len(leaf_hash) != HASH_BYTES:
        raise HttpError(400, f"the parameter hash has {len(leaf_hash)} bytes, expected 32 bytes (SHA-256)")
    return leaf_hash


def _chain(request: Request) -> tuple[bytes, ...]:
    """Return the submitted chain; fields that the RFC does not name are left alone, as it asks."""
    try:
        return parse_json(request.body, "the submission", maximum=MAX_BODY).base64s("chain")
    except MalformedInput as error:
        raise SubmissionRefused(str(error)) from error
