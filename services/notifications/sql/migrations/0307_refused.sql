-- Who is refused a place in a training, and whose certificate is taken back, is told so too: from now on. Of what happened before,
-- a message is missing for ever, and the audit does not ask for it.
ALTER TABLE notifying_type ADD COLUMN since timestamptz;  -- what happened from then on must have a message; NULL: whenever

INSERT INTO notifying_type (type, origin, since)
SELECT 'id.go.balikpapan.umkm.' || name || '.v1', 'command', now()
FROM unnest(ARRAY['enrolment.rejected', 'certificate.revoked']) AS name;

CREATE OR REPLACE VIEW audit.notifying_type AS SELECT type, origin, since FROM notifying_type;
