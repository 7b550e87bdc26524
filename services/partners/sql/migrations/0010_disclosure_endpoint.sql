-- The disclosure log names the endpoint that a page was posted to: of two endpoints of an agency each is compared with its own pages.

-- NULL: not by webhook, or from before this column was there.
ALTER TABLE disclosure ADD COLUMN endpoint uuid;

CREATE OR REPLACE VIEW audit.disclosure AS
    SELECT id, agency, agreement_id, revision, way, stream, after_position, upto_position, events, given_at, endpoint FROM disclosure;
