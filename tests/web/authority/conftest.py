"""An authority with one issued set, and its web face on a real port."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cheroot import wsgi
from flask import Flask

from issuer.authority import Authority, AuthoritySettings, DualCertificate, IssueRequest
from issuer.store import IssuerStore
from keys import FileKeyStore
from web.authority import create_app


@dataclass(frozen=True)
class Served:
    """`url` is where `app` answers; `out` holds the set, `data` the authority's directory."""

    authority: Authority
    dual: DualCertificate
    app: Flask
    url: str
    data: Path
    out: Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    keys = FileKeyStore.create(data / "keys", "issuer")
    settings = AuthoritySettings("Ming Test", "mingjing.test", "http://127.0.0.1:8440", demo=True)
    with IssuerStore(data / "issuer.db") as store:
        authority = Authority.create(data, keys, store, settings)
        dual = authority.issue_to(IssueRequest(("a.mingjing.test",), include_scts=False), out)
        app = create_app(authority)
        server = wsgi.Server(("127.0.0.1", 0), app, numthreads=2)
        server.prepare()
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield Served(authority, dual, app, f"http://127.0.0.1:{server.bind_addr[1]}", data, out)
        finally:
            server.stop()
            thread.join()
