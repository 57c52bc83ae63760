"""What certificates are found by, written: keys, texts, addresses. A fixed number of statements a batch."""

import sqlite3
from collections.abc import Iterable, Sequence

from monitor.index.terms import GRAM, addresses_of, keys_of, organisations_of, text_of_names
from monitor.store.rows import CertificateRow


def make_findable(connection: sqlite3.Connection, rows: Sequence[tuple[int, CertificateRow]]) -> None:
    """Index certificates under their row numbers, which are larger than all before (FTS5 appends)."""
    connection.executemany(
        "INSERT OR IGNORE INTO terms (key, certificate) VALUES (?, ?)",
        sorted((key, certificate) for certificate, row in rows for key in keys_of(row)),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO addresses (address, certificate) VALUES (?, ?)",
        [(address, certificate) for certificate, row in rows for address in addresses_of(row.names)],
    )
    names = [(certificate, text_of_names(row.names)) for certificate, row in rows if row.names]
    _insert_text(connection, "name_text", names)
    connection.executemany("INSERT OR IGNORE INTO grams (gram) VALUES (?)", _grams(text for _, text in names))
    organised = ((certificate, organisations_of(row.subject)) for certificate, row in rows)
    texts = [
        (certificate, "\n".join(organisations)) for certificate, organisations in organised if organisations
    ]
    _insert_text(connection, "organisation_text", texts)


def _insert_text(connection: sqlite3.Connection, table: str, texts: Sequence[tuple[int, str]]) -> None:
    connection.executemany(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", texts)  # noqa: S608  names of this file


def _grams(texts: Iterable[str]) -> list[tuple[str]]:
    """Return the runs of three characters in ``texts``, each once."""
    grams = {text[at : at + GRAM] for text in texts for at in range(len(text) - GRAM + 1)}
    return [(gram,) for gram in sorted(grams)]
