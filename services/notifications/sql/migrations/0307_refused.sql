-- Who is refused a place in a training, and whose certificate is taken back, is told so too, by processes of this release. Of what
-- happened before, a message is missing for ever: the audit asks for it only a day from now, when none of the release before it
-- runs any more; and the audit of that release, which may be gone back to, not at all.
ALTER TABLE notifying_type ADD COLUMN since timestamptz;  -- what happened from then on must have a message; NULL: whenever

INSERT INTO notifying_type (type, origin, since)
SELECT 'id.go.balikpapan.umkm.' || name || '.v1', 'command', now() + interval '1 day'
FROM unnest(ARRAY['enrolment.rejected', 'certificate.revoked']) AS name;

CREATE OR REPLACE VIEW audit.notifying_type AS SELECT type, origin FROM notifying_type WHERE since IS NULL;
CREATE VIEW audit.notifying_since AS SELECT type, origin, since FROM notifying_type;
GRANT SELECT ON audit.notifying_since TO ${audit_role};
