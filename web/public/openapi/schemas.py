"""What the answers hold: what is always there, with room left; an answer may gain members, never lose one."""

from typing import Final

from web.public.openapi.forms import (
    DIGEST,
    FLAG,
    LIFE,
    NUMBER,
    STATE,
    TEXT,
    TIME,
    Json,
    list_of,
    object_of,
    one,
    or_null,
)

SCHEMAS: Final[Json] = {
    "Problem": {
        "type": "object",
        "properties": {"error": TEXT, "field": TEXT, "way_out": TEXT},
        "required": ["error"],
    },
    "Revocation": object_of(
        status={"type": "string", "enum": ["not-checked", "good", "revoked", "unknown"]},
        checked_at=or_null(TIME), revoked_at=or_null(TIME), reason=TEXT, source=TEXT, detail=TEXT,
    ),
    "Certificate": object_of(
        sha256=DIGEST, subject=TEXT, common_name=TEXT, names=list_of(TEXT), matched=list_of(TEXT),
        issuer=TEXT, serial=TEXT, not_before=TIME, not_after=TIME, algorithm=TEXT, key_bits=NUMBER,
        logs=list_of(TEXT), first_seen=TIME, precertificate_only=FLAG, pair=or_null(DIGEST),
        revocation=one("Revocation"),
    ),
    "Results": object_of(
        query=object_of(q=TEXT, match={"enum": ["exact", "subdomain", "contains"]}, exclude=or_null(TEXT)),
        kind=TEXT, results=list_of(one("Certificate")), cursor=or_null(TEXT), next=or_null(TEXT),
    ),
    "Calendar": object_of(
        query=object_of(q=TEXT, match={"enum": ["exact", "subdomain", "contains"]}), sentence=TEXT,
        today=TIME, **{"from": or_null(TIME)}, until=or_null(TIME), counts=object_of(),
        cursor=or_null(TEXT),
        certificates=list_of({"allOf": [one("Certificate"), object_of(state=LIFE)]}), next=or_null(TEXT),
    ),
    "CertificatePage": object_of(
        sha256=DIGEST, state=STATE, sentence=TEXT, key=TEXT, key_sha256=DIGEST, scts=list_of(object_of()),
        entries=list_of(object_of()), revocation=one("Revocation"), pair=or_null(one("Certificate")),
        chain=list_of(object_of(sha256=DIGEST, subject=TEXT, pem=TEXT)),
        extensions=list_of(object_of(oid=TEXT)),
        proofs=list_of(object_of(log=TEXT, leaf_index=NUMBER, audit_path=list_of(DIGEST), verified=FLAG)),
        pem=TEXT,
    ),
    "Head": object_of(tree_size=NUMBER, timestamp=TIME, sha256_root_hash=DIGEST, root_rebuilt=FLAG),
    "Log": object_of(
        name=TEXT, state=STATE, sentence=TEXT, log_id=DIGEST, operator=TEXT, key=TEXT, url=TEXT,
        head=or_null(one("Head")), followed=NUMBER, backlog=NUMBER, malformed=NUMBER,
        distrusted=FLAG,
    ),
    "Logs": object_of(state=STATE, sentence=TEXT, logs=list_of(one("Log"))),
    "Home": object_of(
        state=STATE, sentence=TEXT, logs=list_of(one("Log")), open_alerts=NUMBER,
        last_audit=or_null(TIME),
        certificates_by_state=object_of(
            valid=NUMBER, expiring_within_30_days=NUMBER, revoked=NUMBER, expired=NUMBER,
            not_yet_valid=NUMBER,
        ),
        witnesses=object_of(configured=NUMBER, cosigning=NUMBER), recent=list_of(one("Certificate")),
    ),
    "SeenHead": object_of(
        observer=TEXT, state=STATE, compared={"enum": ["agrees", "open", "conflicts", "forged"]},
        tree_size=NUMBER, timestamp=TIME, sha256_root_hash=DIGEST, seen_at=TIME,
    ),
    "Pair": object_of(
        first_tree_size=NUMBER, first_timestamp=TIME, second_tree_size=NUMBER, second_timestamp=TIME,
        state=STATE, how=TEXT, sentence=TEXT, observer=TEXT,
    ),
    "Witnessing": object_of(
        state=or_null(STATE), sentence=TEXT, required=NUMBER,
        witnesses=list_of(
            object_of(
                name=TEXT, vkey=TEXT, state=STATE, sentence=TEXT, tree_size=or_null(NUMBER),
                cosigned_at=or_null(TIME),
            )
        ),
    ),
    "LogPage": {
        "allOf": [
            one("Log"),
            object_of(
                accepted_roots=or_null(NUMBER),
                shard=or_null(object_of(start_inclusive=TIME, end_exclusive=TIME)),
                heads=list_of(one("Head")), seen_by_others=list_of(one("SeenHead")),
                consistency=list_of(one("Pair")),
                witnessing=one("Witnessing"), audits=list_of(one("Audit")), alerts=list_of(one("Alert")),
                availability=list_of(object_of(endpoint=TEXT, answered=NUMBER, failed=NUMBER, meets=FLAG)),
            ),
        ]
    },
    "FindingPage": object_of(
        audit=NUMBER, log=TEXT, state=STATE, code=TEXT, outcome=TEXT, detail=TEXT, reference=TEXT,
        meaning=or_null(TEXT), advice=or_null(TEXT), evidence=object_of(), evidence_file=or_null(TEXT),
        audited_at=TIME,
    ),
    "Audits": object_of(state=STATE, alerts=list_of(one("Alert")), audits=list_of(one("Audit"))),
    "Finding": object_of(code=TEXT, outcome=TEXT, detail=TEXT, reference=TEXT),
    "Audit": object_of(
        id=NUMBER, log=TEXT, state=STATE, sentence=TEXT, started_at=TIME, finished_at=TIME,
        tree_size=or_null(NUMBER), entries_read=NUMBER, findings=list_of(one("Finding")),
    ),
    "Alert": object_of(
        id=NUMBER, log=TEXT, code=TEXT, detail=TEXT, first_at=TIME, last_at=TIME, count=NUMBER,
        acknowledged=FLAG, distrusting=FLAG,
    ),
    "Notice": object_of(
        notice=NUMBER, id=TEXT, origin={"enum": ["unknown", "ours", "authorised", "expired"]},
        subject={"enum": ["certificate", "malformed-entry", "log-alert", "test", "watching"]},
        created_at=TIME, summary=TEXT, matched=list_of(TEXT), certificate=or_null(object_of(sha256=DIGEST)),
        open=FLAG, acknowledged_at=or_null(TIME), notes=list_of(object_of(at=TIME, text=TEXT)),
        deliveries=list_of(
            object_of(
                channel=TEXT, state={"enum": ["pending", "delivered", "dead", "not-needed"]}, attempts=NUMBER,
                delivered_at=or_null(TIME), error=TEXT,
            )
        ),
    ),
    "Watch": object_of(
        id=NUMBER, value=TEXT, since=TIME, last_seen=or_null(TIME), unknown=NUMBER, ours=NUMBER,
        authorised=NUMBER, total=NUMBER, scanned={"type": "number", "minimum": 0, "maximum": 1},
        kind={"enum": ["name", "subtree", "address", "organisation", "issuer", "email", "lookalike"]},
    ),
    "Watching": object_of(
        state=STATE, sentence=TEXT, working=FLAG, working_since=or_null(TIME), checked_at=or_null(TIME),
        loaded_at=or_null(TIME), error=TEXT, open=NUMBER, watches=list_of(one("Watch")),
        channels=list_of(object_of(name=TEXT, kind=TEXT, last_success=or_null(TIME), last_error=TEXT)),
        notices=list_of(one("Notice")), before=or_null(NUMBER),
    ),
    "Watched": object_of(
        id=NUMBER, kind=TEXT, value=TEXT, since=TIME, total=NUMBER, unknown=list_of(one("Notice")),
        ours=list_of(one("Notice")), authorised=list_of(one("Notice")),
    ),
    "Inspection": object_of(
        sha256=DIGEST, host=TEXT, verdict=TEXT, rule=TEXT, findings=list_of(object_of()),
        certificate=or_null(TEXT),
    ),
    "Report": {
        "type": "object",
        "properties": {
            "sct": {"type": "string", "contentEncoding": "base64"},
            "chain": list_of({"type": "string", "contentEncoding": "base64"}),
            "kind": {"type": "string", "enum": ["embedded", "delivered"]},
        },
        "required": ["sct", "chain"],
    },
}  # fmt: skip
