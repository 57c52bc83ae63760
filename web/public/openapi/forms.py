"""What a description of an API is made of: small JSON schemas, parameters, answers."""

from typing import Any, Final

Json = dict[str, Any]

DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIME: Final = {"type": "string", "format": "date-time"}
TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer", "minimum": 0}
FLAG: Final = {"type": "boolean"}
STATE: Final = {"type": "string", "enum": ["trusted", "refused", "not-yet-known"]}
LIFE: Final = {"type": "string", "enum": ["valid", "expired", "revoked", "not-yet-valid"]}


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(of: Json) -> Json:
    return {"type": "array", "items": of}


def object_of(**members: Json) -> Json:
    return {"type": "object", "properties": members, "required": list(members)}


def one(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


AS_JSON: Final = {
    "name": "output", "in": "query", "required": True,
    "schema": {"type": "string", "enum": ["json"]}, "description": "Or send Accept: application/json.",
}  # fmt: skip


def asked(name: str, schema: Json, what: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": what}


def in_path(name: str, schema: Json, what: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": what}


def answer(schema: Json, *, description: str = "OK", kind: str = "application/json") -> Json:
    return {"description": description, "content": {kind: {"schema": schema}}}


def problems(*statuses: int) -> Json:
    return {str(status): answer(one("Problem"), description=_WORDS[status]) for status in statuses}


def answers(schema: Json, *statuses: int) -> Json:
    return {"200": answer(schema), **problems(*statuses)}


def feed(*statuses: int) -> Json:
    """Return what a feed (RFC 4287) answers."""
    return {"200": answer(TEXT, kind="application/atom+xml"), **problems(*statuses)}


_WORDS: Final = {
    400: "A parameter is not as expected; field names it.",
    404: "Nothing is at this address.",
    413: "Too large.",
    429: "Too many wait; Retry-After says when to come again.",
    503: "Not ready yet.",
}


def get(what: str, answers: Json, *parameters: Json, as_json: bool = True) -> Json:
    given = [*parameters, *([AS_JSON] if as_json else [])]
    return {"get": {"summary": what, "parameters": given, "responses": answers}}
