"""Version 4: watched names, notices and their delivery. Times are in milliseconds since the epoch."""

SQL = """
CREATE TABLE watchlist (                    -- one row: the file in force, and how far was looked
    id INTEGER PRIMARY KEY CHECK (id = 1), public INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '',
    loaded_at INTEGER, checked_at INTEGER, working_since INTEGER,
    position INTEGER NOT NULL DEFAULT 0);   -- the certificates up to this row were compared
INSERT INTO watchlist (id, position) SELECT 1, coalesce(max(id), 0) FROM certificates;
CREATE TABLE watches (                      -- past certificates: those above searched, up to search_end
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL, since INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0, last_seen INTEGER, searched INTEGER NOT NULL DEFAULT 0,
    search_end INTEGER NOT NULL, asked INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, value));
CREATE TABLE watched_malformed (log INTEGER PRIMARY KEY, idx INTEGER NOT NULL); -- the next index to look at
CREATE TABLE watched_alerts (alert INTEGER PRIMARY KEY, last_at INTEGER NOT NULL);
CREATE TABLE authorised (tbs_hash BLOB PRIMARY KEY, at INTEGER NOT NULL, in_file INTEGER NOT NULL);
CREATE TABLE notices (                      -- watch 0: none; key: what it is about, once a watch
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, watch INTEGER NOT NULL, key TEXT NOT NULL,
    subject TEXT NOT NULL, origin TEXT NOT NULL, created_at INTEGER NOT NULL, summary TEXT NOT NULL,
    matched TEXT NOT NULL, certificate INTEGER, log INTEGER, idx INTEGER, alert INTEGER,
    code TEXT NOT NULL DEFAULT '', silent INTEGER NOT NULL, acknowledged_at INTEGER, UNIQUE (watch, key));
CREATE INDEX notices_open ON notices (id) WHERE origin = 'unknown' AND acknowledged_at IS NULL;
CREATE INDEX notices_by_watch ON notices (watch, origin, id);
CREATE INDEX notices_by_certificate ON notices (certificate) WHERE certificate IS NOT NULL;
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, notice INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX notes_by_notice ON notes (notice);
CREATE TABLE channels (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, since INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0,
    last_attempt INTEGER, last_success INTEGER, last_error TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0, retry_at INTEGER NOT NULL DEFAULT 0);
CREATE TABLE deliveries (                   -- aside_until: another notice goes first until then
    channel TEXT NOT NULL, notice INTEGER NOT NULL, state TEXT NOT NULL, queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, aside_until INTEGER NOT NULL DEFAULT 0, delivered_at INTEGER,
    error TEXT NOT NULL DEFAULT '', PRIMARY KEY (channel, notice)) WITHOUT ROWID;
CREATE INDEX deliveries_pending ON deliveries (channel, notice) WHERE state = 'pending';
CREATE INDEX deliveries_by_notice ON deliveries (notice)
"""
