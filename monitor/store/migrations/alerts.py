"""Version 5: an alert keeps the evidence of its first time, of its newest, and the strongest there was."""

SQL = """
CREATE TABLE alert_evidence (               -- at most three rows an alert, in the order of their ids
    id INTEGER PRIMARY KEY, alert INTEGER NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL,
    reference TEXT NOT NULL, standing TEXT NOT NULL,    -- proof, observation, incomplete, or not known
    material TEXT NOT NULL);
CREATE INDEX alert_evidence_by_alert ON alert_evidence (alert, id);
INSERT INTO alert_evidence (alert, at, detail, reference, standing, material)
    SELECT id, first_at, detail, '', '', evidence FROM alerts ORDER BY id;
ALTER TABLE alerts DROP COLUMN evidence
"""
