"""Pages that the proxy itself answers with: small, self-contained, without scripts from anywhere else."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from html import escape
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from mitmproxy import http

from proxy_addon.client.words import words_for
from verifier.judge.verdict import Code, Verdict

HEADER: Final = "Mingjing-Verdict"
CHECK_FAILED: Final = f"refused; {Code.CHECK_FAILED}"
OWN_PAGE: Final = "trusted;"
STATUS_HOST: Final = "verifier.mingjing"
STATUS_URL: Final = f"http://{STATUS_HOST}"
_METADATA: Final = "mingjing_verdict"
_UNREACHABLE_STATUS, _REFUSED_STATUS = 502, 403
HTTPS_PORT, HTTP_PORT = 443, 80


def is_status_host(host: str) -> bool:
    """Tell whether a name is that of the visitor's status page."""
    return host.lower().rstrip(".") == STATUS_HOST


def stamp(response: http.Response, verdict_header: str) -> None:
    """Leave exactly one verdict on an answer, ours; trailers carry none."""
    response.headers.pop(HEADER, None)
    response.headers[HEADER] = verdict_header
    if response.trailers is not None:
        response.trailers.pop(HEADER, None)


def own_header(flow: http.HTTPFlow) -> str | None:
    """Return the verdict that was put on an answer of our own, if this flow has one."""
    value = flow.metadata.get(_METADATA)
    return value if isinstance(value, str) else None


def withdraw(flow: http.HTTPFlow) -> None:
    """Forget an answer of our own that was not sent."""
    flow.metadata.pop(_METADATA, None)


def make(
    flow: http.HTTPFlow,
    status: int,
    content: str | bytes,
    *,
    verdict: str,
    content_type: str = "text/html; charset=utf-8",
    headers: Iterable[tuple[str, str]] = (),
) -> http.Response:
    """Return an answer of our own; nothing of it is kept by the browser or loads anything from elsewhere."""
    flow.metadata[_METADATA] = verdict
    body = content.encode() if isinstance(content, str) else content
    fields = {
        "Content-Type": content_type,
        "Content-Security-Policy": _policy(),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        HEADER: verdict,
        **dict(headers),
    }
    response = http.Response.make(status, body, fields)
    if flow.request.method == "HEAD":
        response.raw_content = b""
        response.headers["Content-Length"] = str(len(body))
    return response


def block(flow: http.HTTPFlow, verdict: Verdict, number: int | None) -> http.Response:
    """Return the page that says why a site was refused or cannot be reached."""
    status = _UNREACHABLE_STATUS if verdict.code is Code.UNREACHABLE else _REFUSED_STATUS
    content = render(
        "block.html",
        verdict=verdict,
        words=words_for(verdict.code),
        number=number,
        url=flow.request.pretty_url,
        status_url=STATUS_URL,
    )
    # The browser asks anew over a new connection, which is judged anew.
    close = () if flow.request.is_http2 else (("Connection", "close"),)
    return make(flow, status, content, verdict=verdict.header, headers=close)


def upgrade(flow: http.HTTPFlow, host: str, verdict: Verdict) -> http.Response:
    """Send the browser to the same address with https."""
    port = "" if flow.request.port in {HTTP_PORT, HTTPS_PORT} else f":{flow.request.port}"
    name = f"[{host}]" if ":" in host else host
    target = f"https://{name}{port}{flow.request.path}"
    content = f"<!doctype html><title>https</title><p>Asked for with encryption: {escape(target)}\n"
    header = verdict.header if not verdict.trusted else f"refused; {Code.CLEARTEXT}"
    return make(flow, 307, content, verdict=header, headers=(("Location", target),))


def bad_request(flow: http.HTTPFlow, status: int) -> http.Response:
    """Return the answer to a request that is itself wrong."""
    reason = flow.error.msg if flow.error else "the request was not understood"
    content = f"<!doctype html><title>{status}</title><p>The request was not sent on: {escape(reason)}\n"
    close = () if flow.request.is_http2 else (("Connection", "close"),)
    return make(flow, status, content, verdict=CHECK_FAILED, headers=close)


def failed_page(flow: http.HTTPFlow) -> http.Response:
    """Return the refusal for when everything else broke; it needs no template, no judge and no ledger."""
    words = words_for(Code.CHECK_FAILED)
    host = escape(flow.request.pretty_host)
    content = (
        "<!doctype html><meta charset=utf-8><title>Refused</title>"
        f"<h1>{words.happened.format(host=host)}</h1>"
        f"<p>{words.means}<p>{words.advice}\n"
    )
    return make(flow, _REFUSED_STATUS, content, verdict=CHECK_FAILED)


def connect_reason(error: str) -> str:
    """Say in words why no connection came about, from what the operating system or mitmproxy said."""
    text = error.lower()
    if (
        "name or service not known" in text
        or "getaddrinfo" in text
        or "name resolution" in text
        or "-2]" in text
    ):
        return "its name does not resolve"
    if "connect call failed" in text or "connection refused" in text:
        return "nothing answers at its address and port"
    if "timed out" in text or "timeout" in text:
        return "no answer came in time"
    if "unreachable" in text:
        return "there is no way to its network"
    if "closed" in text or "disconnect" in text or "reset" in text:
        return "the server ended the connection before it had answered"
    return error.strip().rstrip(".") or "the connection broke"


def render(template: str, **values: Any) -> str:
    """Fill one of our templates."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("proxy_addon.client"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ago"] = ago
    environment.filters["utc"] = lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    environment.filters["shorten"] = shorten
    environment.globals["style"] = _style()
    return environment


def ago(moment: datetime) -> str:
    """Say a past moment as a person would."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now" if seconds < 5 else f"{seconds} seconds ago"  # noqa: PLR2004


def shorten(text: str, keep: int = 8) -> str:
    """Shorten a hash in its middle."""
    return text if len(text) <= 2 * keep + 1 else f"{text[:keep]}…{text[-keep:]}"


@cache
def _style() -> str:
    loader = PackageLoader("proxy_addon.client")
    source, _, _ = loader.get_source(Environment(autoescape=True), "style.css")
    return source.strip()


@cache
def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def opens_a_page(flow: http.HTTPFlow) -> bool:
    """Tell whether the browser asked for a page to show, which it says in Sec-Fetch-Dest over TLS."""
    wanted = flow.request.headers.get("sec-fetch-dest")
    if wanted is not None:
        return bool(wanted == "document")
    return "text/html" in flow.request.headers.get("accept", "")
