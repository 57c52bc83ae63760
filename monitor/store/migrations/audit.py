"""Version 3: heads seen by others, promises to check, availability, and the notes on alerts."""

SQL = """
ALTER TABLE logs ADD COLUMN submission_url TEXT NOT NULL DEFAULT '';
ALTER TABLE logs ADD COLUMN interval_start INTEGER;
ALTER TABLE logs ADD COLUMN interval_end INTEGER;
CREATE TABLE seen_heads (                   -- signed heads that others were shown, and whether they agree
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL, tree_size INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    root_hash BLOB NOT NULL, signature BLOB NOT NULL, observer TEXT NOT NULL, seen_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open', UNIQUE (log, tree_size, timestamp, root_hash));
CREATE INDEX seen_heads_open ON seen_heads (log, tree_size) WHERE state = 'open';
CREATE TABLE promises (                     -- SCTs whose entry is not known to be merged yet
    log INTEGER NOT NULL, leaf_hash BLOB NOT NULL, due INTEGER NOT NULL, leaf_index INTEGER,
    sct BLOB NOT NULL, certificate BLOB NOT NULL, issuer BLOB NOT NULL, kind TEXT NOT NULL,
    source TEXT NOT NULL, broken INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (log, leaf_hash)) WITHOUT ROWID;
CREATE INDEX promises_due ON promises (log, due) WHERE NOT broken;
CREATE TABLE availability (                 -- one row an hour
    log INTEGER NOT NULL, endpoint TEXT NOT NULL, hour INTEGER NOT NULL, ok INTEGER NOT NULL,
    failed INTEGER NOT NULL, milliseconds INTEGER NOT NULL,
    PRIMARY KEY (log, endpoint, hour)) WITHOUT ROWID;
CREATE TABLE following (
    log INTEGER PRIMARY KEY, position INTEGER NOT NULL, target INTEGER NOT NULL, rate REAL NOT NULL,
    remaining REAL, at INTEGER NOT NULL);
CREATE TABLE oddities (                     -- entries whose issuer key hash is not the issuer's, as they came
    log INTEGER NOT NULL, idx INTEGER NOT NULL, leaf_input BLOB NOT NULL, extra_data BLOB NOT NULL,
    PRIMARY KEY (log, idx)) WITHOUT ROWID;
CREATE TABLE cursors (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE alert_notes (
    id INTEGER PRIMARY KEY, alert INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX alert_notes_by_alert ON alert_notes (alert);
"""
