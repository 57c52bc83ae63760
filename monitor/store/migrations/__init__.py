"""The steps from an empty database to the present one, in order; step N makes version N."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from monitor.store.migrations import alerts, audit, base, index, watching

MIGRATIONS: Final = (base.SQL, index.SQL, audit.SQL, watching.SQL, alerts.SQL)
FILLS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {2: index.fill}
"""What is done after a step's SQL, by version: rows that older rows are the source of."""
