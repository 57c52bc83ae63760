"""Every address that answers in JSON, what it may be asked and what it answers."""

from typing import Final

from monitor.values import AuditOutcome
from web.public.asking import KINDS
from web.public.openapi.forms import (
    AS_JSON,
    DIGEST,
    FLAG,
    NUMBER,
    TEXT,
    Json,
    answer,
    answers,
    asked,
    feed,
    get,
    in_path,
    list_of,
    object_of,
    one,
    problems,
)

FINGERPRINT: Final = in_path("sha256", DIGEST, "SHA-256 of the certificate's DER.")
LOG: Final = in_path("log", {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"}, "The log's name.")
ID: Final = {"type": "integer", "minimum": 1, "maximum": 2**31}
_AUDIT: Final = in_path("id", ID, "The audit's number.")
_POSITION: Final = in_path("position", NUMBER, "The finding's place in the audit, from 0.")
_OF_LOG: Final = asked("log", TEXT, "Only of this log.")
_HOST: Final = asked("host", {"type": "string", "maxLength": 253}, "The name to judge the certificate for.")
_DAYS: Final = ("at", "expires_from", "expires_until", "seen_from", "seen_until")


def paths() -> Json:
    return {**_itself(), **_certificates(), **_logs(), **_audits(), **_watching()}


def _certificates() -> Json:
    return {
        "/search": get(
            "Certificates by name, serial number, fingerprint, issuer …", answers(one("Results"), 400),
            *_search_parameters(),
        ),
        "/calendar": get(
            "The lifetimes of what a search finds; without one, of the newest certificates",
            answers(one("Calendar"), 400),
            *_search_parameters(),
        ),
        "/certificate/{sha256}": get(
            "One certificate", answers(one("CertificatePage"), 400, 404), FINGERPRINT,
            asked("same_key_after", {"type": "string", "maxLength": 64}, "Cursor of the same key's others."),
        ),
        "/certificate/{sha256}/proof/{log}/{index}": get(
            "The proof that it is an entry of a log, as a file", answers(object_of(format=TEXT), 400, 404),
            FINGERPRINT, LOG, in_path("index", NUMBER, "The entry's number."), as_json=False,
        ),
        "/inspect": {
            **get("What can be sent to be judged", answers(object_of(accepts=list_of(TEXT)))),
            "post": _inspect(),
        },
        "/verify": get(
            "The checker for browsers, and the hash of the one file that it is",
            answers(object_of(checker=TEXT, sha256=DIGEST, proof=TEXT), 400),
            asked("certificate", DIGEST, "A certificate whose proof to begin with."),
            asked("log", TEXT, "The log of that proof."),
            asked("index", NUMBER, "The entry of that proof."),
        ),
        "/issuers": get("The CAs", answers(object_of(trees=list_of(object_of(heading=TEXT))))),
    }  # fmt: skip


def _logs() -> Json:
    return {
        "/logs": get("All logs", answers(one("Logs"))),
        "/log/{log}/": get("One log", answers(one("LogPage"), 404), LOG),
        "/inclusion/{log}": get(
            "Proofs for every leaf whose hash starts with a prefix", answers(object_of(), 400, 404, 503),
            LOG, asked("prefix", {"type": "string", "pattern": "^[0-9a-f]{0,64}$"}, "Hexadecimal."),
            as_json=False,
        ),
        "/log-list.json": get(
            "The logs, log list v3", answers(object_of(operators=list_of(object_of())), 400, 503),
            asked("api", {"type": "string", "enum": ["static", "rfc6962"]}, "How the logs are read."),
            as_json=False,
        ),
        "/trust-bundle": get("The signed trust bundle (DSSE)", answers(object_of(), 503), as_json=False),
        "/sct-reports": {"post": _report()},
    }  # fmt: skip


def _audits() -> Json:
    return {
        "/audit": get(
            "The audits, newest first, and what needs attention",
            answers(one("Audits"), 400, 404),
            _OF_LOG,
            asked("before", ID, "Only audits before this number."),
            asked("outcome", {"enum": [outcome.value for outcome in AuditOutcome]}, "Only these."),
        ),
        "/audit/{id}": get("One audit", answers(one("Audit"), 404), in_path("id", ID, "Its number.")),
        "/audit/{id}/{position}": get(
            "One finding of an audit: what it means, what to do, its evidence",
            answers(one("FindingPage"), 404), _AUDIT, _POSITION,
        ),
        "/audit.atom": get(
            "The last audits as a feed, those with a failed finding first", feed(404), _OF_LOG, as_json=False,
        ),
        "/alerts.atom": get("The alerts as a feed, open ones first", feed(404), _OF_LOG, as_json=False),
        "/evidence/{id}.json": get(
            "The evidence of an alert, as a file", answers(object_of(standing=TEXT, claim=TEXT), 404),
            in_path("id", ID, "The alert's number."), as_json=False,
        ),
        "/audit/{id}/evidence/{position}.json": get(
            "The evidence of a failed finding, as a file",
            answers(object_of(standing=TEXT, claim=TEXT), 404), _AUDIT, _POSITION, as_json=False,
        ),
    }  # fmt: skip


def _watching() -> Json:
    return {
        "/watch": get(
            "What is watched, whether it works, and what was found", answers(one("Watching"), 400, 404),
            asked("open", {"enum": ["1"]}, "Only what waits for a person."),
            asked("before", ID, "Only notices before this number."),
        ),
        "/watch/{number}": get(
            "One watched thing: certificates that nobody here ordered beside our own",
            answers(one("Watched"), 404), in_path("number", ID, "Its number."),
        ),
        "/watch.atom": get("The newest notices as a feed", feed(404), as_json=False),
    }  # fmt: skip


def _itself() -> Json:
    return {
        "/": get("Everything at a glance", answers(one("Home"))),
        "/healthz": get("This process answers", answers(object_of(status=TEXT)), as_json=False),
        "/readyz": get("The site has what it needs", _ready(), as_json=False),
        "/openapi.json": get("This description", answers(object_of(openapi=TEXT)), as_json=False),
    }  # fmt: skip


def _search_parameters() -> tuple[Json, ...]:
    return (
        asked("q", {"type": "string", "maxLength": 500}, "What to search for; optional beside a filter."),
        asked("match", {"type": "string", "enum": ["exact", "subdomain", "contains"]}, "How a name matches."),
        asked("exclude", {"enum": ["expired", "revoked", "expired,revoked"]}, "What to leave out."),
        asked("revocation", {"enum": ["good", "revoked", "unknown", "not-checked"]}, "As the CRL has it."),
        asked("validity", {"enum": ["valid", "expired", "not-yet-valid"]}, "At this moment, or ``at``."),
        *(asked(name, {"type": "string", "format": "date"}, "A day in UTC.") for name in _DAYS),
        asked("issuer", {"type": "string", "maxLength": 200}, "A part of the issuer's name, or a SHA-256."),
        asked("log", {"type": "string", "maxLength": 100}, "The name of a log that has it as an entry."),
        asked("kind", {"enum": list(KINDS)}, "What the text is, where it could be taken for something else."),
        asked("after", {"type": "string", "maxLength": 64}, "The cursor of the page before."),
    )


def _report() -> Json:
    body = {"required": True, "content": {"application/json": {"schema": one("Report")}}}
    return {
        "summary": "A promise whose entry is missing", "requestBody": body,
        "responses": {"202": answer(object_of(status=TEXT), description="Kept"), **problems(400, 413, 429)},
    }  # fmt: skip


def _ready() -> Json:
    checks = object_of(status=TEXT, checks=object_of(monitor=FLAG, logs=FLAG))
    return {"200": answer(checks), "503": answer(checks, description="Not ready")}


def _inspect() -> Json:
    """A certificate goes as a form does, or as it is."""
    described = "PEM, DER or PKCS #7; the certificates above it may follow."
    content = {"schema": {"type": "string", "description": described}}
    form = object_of(certificate={"type": "string", "description": "PEM."})
    return {
        "summary": "The verdict about a certificate", "parameters": [_HOST, AS_JSON],
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": content,
                "application/x-www-form-urlencoded": {"schema": form},
            },
        },
        "responses": answers(one("Inspection"), 400, 413, 503),
    }  # fmt: skip
