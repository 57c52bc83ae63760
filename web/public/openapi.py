"""The OpenAPI 3.1 description of everything that the site answers in JSON, made from small tables.

Schemas say what always holds and leave room: an answer may gain members, never lose one.
"""

from typing import Any, Final

from monitor.values import AuditOutcome
from web.public.asking import KINDS

Json = dict[str, Any]

_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TIME: Final = {"type": "string", "format": "date-time"}
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "minimum": 0}
_FLAG: Final = {"type": "boolean"}
_STATE: Final = {"type": "string", "enum": ["trusted", "refused", "not-yet-known"]}
_LIFE: Final = {"type": "string", "enum": ["valid", "expired", "revoked", "not-yet-valid"]}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


def _object(**members: Json) -> Json:
    return {"type": "object", "properties": members, "required": list(members)}


def _one(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_SCHEMAS: Final[Json] = {
    "Problem": {
        "type": "object",
        "properties": {"error": _TEXT, "field": _TEXT, "way_out": _TEXT},
        "required": ["error"],
    },
    "Revocation": _object(
        status={"type": "string", "enum": ["not-checked", "good", "revoked", "unknown"]},
        checked_at=_or_null(_TIME), revoked_at=_or_null(_TIME), reason=_TEXT, source=_TEXT, detail=_TEXT,
    ),
    "Certificate": _object(
        sha256=_DIGEST, subject=_TEXT, common_name=_TEXT, names=_list(_TEXT), matched=_list(_TEXT),
        issuer=_TEXT, serial=_TEXT, not_before=_TIME, not_after=_TIME, algorithm=_TEXT, key_bits=_NUMBER,
        logs=_list(_TEXT), first_seen=_TIME, precertificate_only=_FLAG, pair=_or_null(_DIGEST),
        revocation=_one("Revocation"),
    ),
    "Results": _object(
        query=_object(q=_TEXT, match={"enum": ["exact", "subdomain", "contains"]}, exclude=_or_null(_TEXT)),
        kind=_TEXT, results=_list(_one("Certificate")), cursor=_or_null(_TEXT), next=_or_null(_TEXT),
    ),
    "Calendar": _object(
        query=_object(q=_TEXT, match={"enum": ["exact", "subdomain", "contains"]}), sentence=_TEXT,
        today=_TIME, **{"from": _or_null(_TIME)}, until=_or_null(_TIME), counts=_object(),
        cursor=_or_null(_TEXT),
        certificates=_list({"allOf": [_one("Certificate"), _object(state=_LIFE)]}), next=_or_null(_TEXT),
    ),
    "CertificatePage": _object(
        sha256=_DIGEST, state=_STATE, sentence=_TEXT, key=_TEXT, key_sha256=_DIGEST, scts=_list(_object()),
        entries=_list(_object()), revocation=_one("Revocation"), pair=_or_null(_one("Certificate")),
        chain=_list(_object(sha256=_DIGEST, subject=_TEXT, pem=_TEXT)), extensions=_list(_object(oid=_TEXT)),
        proofs=_list(_object(log=_TEXT, leaf_index=_NUMBER, audit_path=_list(_DIGEST), verified=_FLAG)),
        pem=_TEXT,
    ),
    "Head": _object(tree_size=_NUMBER, timestamp=_TIME, sha256_root_hash=_DIGEST, root_rebuilt=_FLAG),
    "Log": _object(
        name=_TEXT, state=_STATE, sentence=_TEXT, log_id=_DIGEST, operator=_TEXT, key=_TEXT, url=_TEXT,
        head=_or_null(_one("Head")), followed=_NUMBER, backlog=_NUMBER, malformed=_NUMBER,
        distrusted=_FLAG,
    ),
    "Logs": _object(state=_STATE, sentence=_TEXT, logs=_list(_one("Log"))),
    "Home": _object(
        state=_STATE, sentence=_TEXT, logs=_list(_one("Log")), open_alerts=_NUMBER,
        last_audit=_or_null(_TIME),
        certificates_by_state=_object(
            valid=_NUMBER, expiring_within_30_days=_NUMBER, revoked=_NUMBER, expired=_NUMBER,
            not_yet_valid=_NUMBER,
        ),
        witnesses=_object(configured=_NUMBER, cosigning=_NUMBER), recent=_list(_one("Certificate")),
    ),
    "SeenHead": _object(
        observer=_TEXT, state=_STATE, compared={"enum": ["agrees", "open", "conflicts", "forged"]},
        tree_size=_NUMBER, timestamp=_TIME, sha256_root_hash=_DIGEST, seen_at=_TIME,
    ),
    "Pair": _object(
        first_tree_size=_NUMBER, first_timestamp=_TIME, second_tree_size=_NUMBER, second_timestamp=_TIME,
        state=_STATE, how=_TEXT, sentence=_TEXT, observer=_TEXT,
    ),
    "Witnessing": _object(
        state=_or_null(_STATE), sentence=_TEXT, required=_NUMBER,
        witnesses=_list(
            _object(
                name=_TEXT, vkey=_TEXT, state=_STATE, sentence=_TEXT, tree_size=_or_null(_NUMBER),
                cosigned_at=_or_null(_TIME),
            )
        ),
    ),
    "LogPage": {
        "allOf": [
            _one("Log"),
            _object(
                accepted_roots=_or_null(_NUMBER),
                shard=_or_null(_object(start_inclusive=_TIME, end_exclusive=_TIME)),
                heads=_list(_one("Head")), seen_by_others=_list(_one("SeenHead")),
                consistency=_list(_one("Pair")),
                witnessing=_one("Witnessing"), audits=_list(_one("Audit")), alerts=_list(_one("Alert")),
                availability=_list(_object(endpoint=_TEXT, answered=_NUMBER, failed=_NUMBER, meets=_FLAG)),
            ),
        ]
    },
    "FindingPage": _object(
        audit=_NUMBER, log=_TEXT, state=_STATE, code=_TEXT, outcome=_TEXT, detail=_TEXT, reference=_TEXT,
        meaning=_or_null(_TEXT), advice=_or_null(_TEXT), evidence=_object(), evidence_file=_or_null(_TEXT),
        audited_at=_TIME,
    ),
    "Audits": _object(state=_STATE, alerts=_list(_one("Alert")), audits=_list(_one("Audit"))),
    "Finding": _object(code=_TEXT, outcome=_TEXT, detail=_TEXT, reference=_TEXT),
    "Audit": _object(
        id=_NUMBER, log=_TEXT, state=_STATE, sentence=_TEXT, started_at=_TIME, finished_at=_TIME,
        tree_size=_or_null(_NUMBER), entries_read=_NUMBER, findings=_list(_one("Finding")),
    ),
    "Alert": _object(
        id=_NUMBER, log=_TEXT, code=_TEXT, detail=_TEXT, first_at=_TIME, last_at=_TIME, count=_NUMBER,
        acknowledged=_FLAG, distrusting=_FLAG,
    ),
    "Report": {
        "type": "object",
        "properties": {
            "sct": {"type": "string", "contentEncoding": "base64"},
            "chain": _list({"type": "string", "contentEncoding": "base64"}),
            "kind": {"type": "string", "enum": ["embedded", "delivered"]},
        },
        "required": ["sct", "chain"],
    },
}  # fmt: skip

_AS_JSON: Final = {
    "name": "output", "in": "query", "required": True,
    "schema": {"type": "string", "enum": ["json"]}, "description": "Or send Accept: application/json.",
}  # fmt: skip


def _asked(name: str, schema: Json, what: str, *, required: bool = False) -> Json:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": what}


def _in_path(name: str, schema: Json, what: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": what}


def _answers(schema: Json, *problems: int) -> Json:
    told = {"content": {"application/json": {"schema": _one("Problem")}}}
    good = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    return {"200": good, **{str(status): {"description": _WORDS[status], **told} for status in problems}}


def _feed(*problems: int) -> Json:
    """Return what a feed (RFC 4287) answers."""
    atom = {"description": "OK", "content": {"application/atom+xml": {"schema": {"type": "string"}}}}
    return {**_answers({}, *problems), "200": atom}


_WORDS: Final = {
    400: "A parameter is not as expected; field names it.",
    404: "Nothing is at this address.",
    413: "Too large.",
    429: "Too many wait; Retry-After says when to come again.",
    503: "Not ready yet.",
}


def _get(what: str, answers: Json, *parameters: Json, as_json: bool = True) -> Json:
    given = [*parameters, *([_AS_JSON] if as_json else [])]
    return {"get": {"summary": what, "parameters": given, "responses": answers}}


_Q: Final = _asked(
    "q", {"type": "string", "minLength": 1, "maxLength": 500}, "What to search for.", required=True
)
_FINGERPRINT: Final = _in_path("sha256", _DIGEST, "SHA-256 of the certificate's DER.")
_LOG: Final = _in_path("log", {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"}, "The log's name.")
_ID: Final = {"type": "integer", "minimum": 1, "maximum": 2**31}


def _paths() -> Json:
    return {
        "/": _get("Everything at a glance", _answers(_one("Home"))),
        "/search": _get(
            "Certificates by name, serial number, fingerprint, issuer …", _answers(_one("Results"), 400),
            _Q, *_search_parameters(),
        ),
        "/calendar": _get(
            "The lifetimes of what a search finds; without one, of the newest certificates",
            _answers(_one("Calendar"), 400),
            _asked("q", {"type": "string", "maxLength": 500}, "As for /search."), *_search_parameters(),
        ),
        "/certificate/{sha256}": _get(
            "One certificate", _answers(_one("CertificatePage"), 400, 404), _FINGERPRINT
        ),
        "/certificate/{sha256}/proof/{log}/{index}": _get(
            "The proof that it is an entry of a log, as a file", _answers(_object(format=_TEXT), 400, 404),
            _FINGERPRINT, _LOG, _in_path("index", _NUMBER, "The entry's number."), as_json=False,
        ),
        "/logs": _get("All logs", _answers(_one("Logs"))),
        "/log/{log}/": _get("One log", _answers(_one("LogPage"), 404), _LOG),
        "/audit": _get(
            "The audits, newest first, and what needs attention",
            _answers(_one("Audits"), 400, 404),
            _asked("log", _TEXT, "Only of this log."),
            _asked("before", _ID, "Only audits before this number."),
            _asked("outcome", {"enum": [one.value for one in AuditOutcome]}, "Only these."),
        ),
        "/audit/{id}": _get("One audit", _answers(_one("Audit"), 404), _in_path("id", _ID, "Its number.")),
        "/audit/{id}/{position}": _get(
            "One finding of an audit: what it means, what to do, its evidence",
            _answers(_one("FindingPage"), 404), _in_path("id", _ID, "The audit's number."),
            _in_path("position", _NUMBER, "The finding's place in the audit, from 0."),
        ),
        "/audit.atom": _get(
            "The last audits as a feed, those with a failed finding first", _feed(404),
            _asked("log", _TEXT, "Only of this log."), as_json=False,
        ),
        "/alerts.atom": _get(
            "The alerts as a feed, open ones first", _feed(404), _asked("log", _TEXT, "Only of this log."),
            as_json=False,
        ),
        "/evidence/{id}.json": _get(
            "The evidence of an alert, as a file", _answers(_object(standing=_TEXT, claim=_TEXT), 404),
            _in_path("id", _ID, "The alert's number."), as_json=False,
        ),
        "/issuers": _get("The CAs", _answers(_object(trees=_list(_object(heading=_TEXT))))),
        "/inclusion/{log}": _get(
            "Proofs for every leaf whose hash starts with a prefix", _answers(_object(), 400, 404, 503),
            _LOG, _asked("prefix", {"type": "string", "pattern": "^[0-9a-f]{0,64}$"}, "Hexadecimal."),
            as_json=False,
        ),
        "/log-list.json": _get(
            "The logs, log list v3", _answers(_object(operators=_list(_object())), 400, 503),
            _asked("api", {"type": "string", "enum": ["static", "rfc6962"]}, "How the logs are read."),
            as_json=False,
        ),
        "/trust-bundle": _get("The signed trust bundle (DSSE)", _answers(_object(), 503), as_json=False),
        "/sct-reports": {"post": _report()},
        "/healthz": _get("This process answers", _answers(_object(status=_TEXT)), as_json=False),
        "/readyz": _get("The site has what it needs", _ready(), as_json=False),
        "/openapi.json": _get("This description", _answers(_object(openapi=_TEXT)), as_json=False),
    }  # fmt: skip


_DAYS: Final = ("at", "expires_from", "expires_until", "seen_from", "seen_until")


def _search_parameters() -> tuple[Json, ...]:
    return (
        _asked(
            "match", {"type": "string", "enum": ["exact", "subdomain", "contains"]}, "How a name matches."
        ),
        _asked("exclude", {"enum": ["expired", "revoked", "expired,revoked"]}, "What to leave out."),
        _asked("revocation", {"enum": ["good", "revoked", "unknown", "not-checked"]}, "As the CRL has it."),
        _asked("validity", {"enum": ["valid", "expired", "not-yet-valid"]}, "At this moment, or ``at``."),
        *(_asked(name, {"type": "string", "format": "date"}, "A day in UTC.") for name in _DAYS),
        _asked("issuer", {"type": "string", "maxLength": 200}, "A part of the issuer's name, or a SHA-256."),
        _asked("log", {"type": "string", "maxLength": 100}, "The name of a log that has it as an entry."),
        _asked(
            "kind", {"enum": list(KINDS)}, "What the text is, where it could be taken for something else."
        ),
        _asked("after", {"type": "string", "maxLength": 64}, "The cursor of the page before."),
    )


def _report() -> Json:
    body = {"required": True, "content": {"application/json": {"schema": _one("Report")}}}
    good = {"description": "Kept", "content": {"application/json": {"schema": _object(status=_TEXT)}}}
    answers = {
        "202": good,
        **{key: value for key, value in _answers({}, 400, 413, 429).items() if key != "200"},
    }
    return {"summary": "A promise whose entry is missing", "requestBody": body, "responses": answers}


def _ready() -> Json:
    schema = _object(status=_TEXT, checks=_object(monitor=_FLAG, logs=_FLAG))
    answers = _answers(schema)
    return {**answers, "503": {**answers["200"], "description": "Not ready"}}


def description(public_url: str) -> Json:
    """Return the whole description, for a site at ``public_url``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mingjing, the public transparency site",
            "version": "1",
            "description": "Certificates in public logs, audits of the logs, proofs. Sentences are English.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "paths": _paths(),
        "components": {"schemas": _SCHEMAS},
    }
