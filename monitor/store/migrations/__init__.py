"""The steps from an empty database to the present one, in order; step N makes version N."""

from typing import Final

from monitor.store.migrations import audit, base, index, watching

MIGRATIONS: Final = (base.SQL, index.SQL, audit.SQL, watching.SQL)
