"""How the witnesses of the logs stand: for ``mingjing status`` and for metrics."""

import json
from collections.abc import Iterator, Mapping

from tlog.ct import ServedLog
from web.logs.http import Response, json_response


def witnesses(logs: Mapping[str, ServedLog]) -> Response:
    """Each log's witnesses, in JSON."""
    return json_response({
        name: [
            {
                "name": one.name,
                "url": one.url,
                "size": one.size,
                "cosigned_at": one.cosigned_at.isoformat() if one.cosigned_at else None,
                "error": one.error,
                "failures": one.failures,
            }
            for one in log.witnesses
        ]
        for name, log in list(logs.items())
    })


def metrics(logs: Mapping[str, ServedLog]) -> Iterator[str]:
    """The lines of Prometheus' text form; a witness that has cosigned nothing yet has no size and no time."""
    yield "# TYPE mingjing_log_witness_entries gauge"
    yield "# TYPE mingjing_log_witness_cosigned_timestamp_seconds gauge"
    yield "# TYPE mingjing_log_witness_failures gauge"
    for name, log in list(logs.items()):
        for one in log.witnesses:
            labels = f'log="{name}",witness={json.dumps(one.name, ensure_ascii=False)}'
            yield f"mingjing_log_witness_failures{{{labels}}} {one.failures}"
            if one.size is not None and one.cosigned_at is not None:
                moment = one.cosigned_at.timestamp()
                yield f"mingjing_log_witness_entries{{{labels}}} {one.size}"
                yield f"mingjing_log_witness_cosigned_timestamp_seconds{{{labels}}} {moment:.0f}"
