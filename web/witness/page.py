"""Who the witness is and what it has cosigned: for people, in JSON, and as metrics."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs

from monitor.witness import Cosigner
from monitor.witness.store import origin_hash
from web.logs.http import Request, Response, json_response

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Witness {name}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ccc; overflow-wrap: anywhere }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums }}
code {{ overflow-wrap: anywhere }}
</style>
<h1>Witness {name}</h1>
<p>It cosigns the checkpoints of the logs below, each only when it continues the one before
(<a href="https://c2sp.org/tlog-witness">C2SP tlog-witness</a>). Its key, for those who rely on it:</p>
<p><code>{vkey}</code></p>
<table><thead><tr><th scope="col">Log<th scope="col">Entries<th scope="col">Cosigned<th scope="col">Checkpoint
</thead><tbody>{rows}</tbody></table>
<p><a href="?output=json">The same in JSON</a></p>
</html>
"""
_ROW = '<tr><th scope="row">{origin}<td class="n">{size}<td>{at}<td>{link}'


def witness(cosigner: Cosigner, request: Request) -> Response:
    """The page, or JSON for those who ask for it."""
    told = _facts(cosigner)
    if parse_qs(request.query).get("output") == ["json"] or _prefers_json(request):
        return json_response(told)
    rows = "".join(_row(log) for log in told["logs"])
    text = _PAGE.format(name=escape(told["name"]), vkey=escape(told["vkey"]), rows=rows)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
    return Response(text.encode(), "text/html; charset=utf-8", headers=headers)


def metrics(cosigner: Cosigner, answers: Iterable[tuple[int, int]]) -> str:
    """The counters in the text form of Prometheus; ``answers`` are the statuses of add-checkpoint."""
    lines = ["# TYPE mingjing_witness_answers_total counter"]
    lines += [f'mingjing_witness_answers_total{{status="{status}"}} {count}' for status, count in answers]
    lines += [
        "# TYPE mingjing_witness_log_entries gauge",
        "# TYPE mingjing_witness_cosigned_timestamp_seconds gauge",
    ]
    for last in cosigner.cosigned():
        label = json.dumps(last.origin, ensure_ascii=False)  # the same escapes as Prometheus has
        lines.append(f"mingjing_witness_log_entries{{origin={label}}} {last.size}")
        lines.append(f"mingjing_witness_cosigned_timestamp_seconds{{origin={label}}} {last.timestamp}")
    return "\n".join([*lines, ""])


def _facts(cosigner: Cosigner) -> dict[str, Any]:
    cosigned = {last.origin: last for last in cosigner.cosigned()}
    logs = []
    for origin in sorted({*cosigned, *cosigner.logs.origins()}):
        last = cosigned.get(origin)
        logs.append({
            "origin": origin,
            "size": last.size if last else None,
            "cosigned_at": datetime.fromtimestamp(last.timestamp, UTC).isoformat() if last else None,
            "checkpoint": f"{origin_hash(origin)}/checkpoint" if last else None,
        })
    return {"name": cosigner.witness.name, "vkey": cosigner.witness.encode(), "logs": logs}


def _row(log: dict[str, Any]) -> str:
    if log["checkpoint"] is None:
        return _ROW.format(origin=escape(log["origin"]), size="", at="not yet", link="")
    link = f'<a href="{log["checkpoint"]}">read</a>'
    return _ROW.format(
        origin=escape(log["origin"]), size=f"{log['size']:,}", at=log["cosigned_at"], link=link
    )


def _prefers_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted
