"""Version 1: logs, entries, certificates, audits."""

SQL = """
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, log_id BLOB NOT NULL UNIQUE, spki BLOB NOT NULL,
    description TEXT NOT NULL, operator TEXT NOT NULL, url TEXT NOT NULL, monitoring_url TEXT NOT NULL,
    origin TEXT NOT NULL, codepoint INTEGER, mmd INTEGER NOT NULL, state TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT 0,        -- entries read: the next one has this index
    malformed INTEGER NOT NULL DEFAULT 0,
    chasing INTEGER,                        -- the head that the follower is reading towards
    distrusted_at INTEGER, distrusted_reason TEXT NOT NULL DEFAULT '');
CREATE TABLE heads (                        -- every head whose signature and consistency were verified
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), tree_size INTEGER NOT NULL,
    timestamp INTEGER NOT NULL, root_hash BLOB NOT NULL, signature BLOB NOT NULL, seen_at INTEGER NOT NULL,
    rebuilt INTEGER NOT NULL DEFAULT 0, UNIQUE (log, tree_size, timestamp, root_hash));
CREATE INDEX heads_rebuilt ON heads (log, tree_size, timestamp) WHERE rebuilt;
CREATE TABLE audits (
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL, outcome TEXT NOT NULL, tree_size INTEGER, entries_read INTEGER NOT NULL,
    findings TEXT NOT NULL);
CREATE INDEX audits_by_log ON audits (log, id);
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), code TEXT NOT NULL,
    detail TEXT NOT NULL, distrusting INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    count INTEGER NOT NULL DEFAULT 1, evidence TEXT NOT NULL, -- of the first time
    acknowledged INTEGER NOT NULL DEFAULT 0, UNIQUE (log, code));
CREATE TABLE entries (
    log INTEGER NOT NULL, idx INTEGER NOT NULL, timestamp INTEGER, leaf_hash BLOB NOT NULL, encoding INTEGER,
    PRIMARY KEY (log, idx)) WITHOUT ROWID;
CREATE INDEX entries_by_hash ON entries (log, leaf_hash);
CREATE INDEX entries_by_encoding ON entries (encoding) WHERE encoding IS NOT NULL;
CREATE TABLE malformed (
    log INTEGER NOT NULL, idx INTEGER NOT NULL, reason TEXT NOT NULL, leaf_input BLOB NOT NULL,
    extra_data BLOB NOT NULL, names TEXT NOT NULL, PRIMARY KEY (log, idx)) WITHOUT ROWID;
CREATE TABLE tiles (                        -- the tree: 256 hashes of one level a row, the last row partial
    log INTEGER NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (log, level, idx)) WITHOUT ROWID;
CREATE TABLE distinguished_names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE certificates (                 -- one row for a TBS, however many signed forms of it were seen
    id INTEGER PRIMARY KEY, tbs_hash BLOB NOT NULL UNIQUE, serial BLOB NOT NULL, subject TEXT NOT NULL,
    common_name TEXT NOT NULL, organisation TEXT NOT NULL, issuer INTEGER NOT NULL,
    not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, algorithm TEXT NOT NULL,
    key_bits INTEGER NOT NULL, spki_hash BLOB NOT NULL,    names TEXT NOT NULL, related BLOB,
    crl_url TEXT, first_seen INTEGER NOT NULL);
CREATE INDEX certificates_by_serial ON certificates (serial);
CREATE INDEX certificates_by_spki ON certificates (spki_hash);
CREATE INDEX certificates_by_issuer ON certificates (issuer);
CREATE INDEX certificates_by_related ON certificates (related) WHERE related IS NOT NULL;
CREATE INDEX certificates_by_organisation ON certificates (organisation) WHERE organisation != '';
CREATE INDEX certificates_by_crl ON certificates (crl_url) WHERE crl_url IS NOT NULL;
CREATE TABLE encodings (                    -- precertificates and final certificates
    id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, certificate INTEGER NOT NULL,
    precertificate INTEGER NOT NULL, der BLOB NOT NULL, chain BLOB NOT NULL);  -- chain: their SHA-256
CREATE INDEX encodings_by_certificate ON encodings (certificate);
CREATE TABLE authorities (sha256 BLOB PRIMARY KEY, der BLOB NOT NULL);
CREATE TABLE domains (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, named INTEGER NOT NULL);
CREATE TABLE domain_certificates (          -- named: a name of the certificate; else a domain above one
    domain INTEGER NOT NULL, certificate INTEGER NOT NULL, named INTEGER NOT NULL,
    PRIMARY KEY (domain, certificate)) WITHOUT ROWID;
CREATE VIRTUAL TABLE domain_text USING fts5(text, content='', detail='none', tokenize='trigram');
CREATE TABLE revocations (
    certificate INTEGER PRIMARY KEY, status TEXT NOT NULL, checked_at INTEGER NOT NULL, revoked_at INTEGER,
    reason TEXT NOT NULL, source TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE crls (
    url TEXT PRIMARY KEY, fetched_at INTEGER NOT NULL, next_update INTEGER, der BLOB, error TEXT);
CREATE TABLE heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL, interval REAL NOT NULL);
"""
