-- What the audit compares for agencies: texts and since when each counted, the events, what was told of giving them, and how far
-- each way is. Ids, labels and counts; of a text not whom the office writes to.

-- Where an endpoint began in a stream: what comes up to here it did not ask for, or skipped. NULL: not known.
ALTER TABLE webhook_position ADD COLUMN began bigint;
UPDATE webhook_position SET began = position;

-- How an agreement stood from when on, by the clock that also stamps the disclosure log. The deeds' own times are those of whichever
-- process was told of them.
CREATE TABLE agreement_standing (
    agreement_id uuid NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL,
    revision int NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (agreement_id, version)
);
INSERT INTO agreement_standing SELECT id, version, state, revision, clock_timestamp() FROM agreement;

CREATE FUNCTION note_standing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agreement_standing VALUES (NEW.id, NEW.version, NEW.state, NEW.revision, clock_timestamp()) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_standing AFTER INSERT OR UPDATE ON agreement FOR EACH ROW EXECUTE FUNCTION note_standing();

GRANT INSERT ON agreement_standing TO ${app_role};

CREATE VIEW audit.agreement AS
    SELECT id AS agreement_id, agency, state, revision FROM agreement;

CREATE VIEW audit.agreement_text AS
    SELECT agreement_id, revision, terms || '{"contact": ""}' AS terms FROM agreement_text;

CREATE VIEW audit.agreement_standing AS
    SELECT agreement_id, version, state, revision, since FROM agreement_standing;

CREATE VIEW audit.stream AS
    SELECT name, first, last FROM stream;

CREATE VIEW audit.event AS
    SELECT stream, position, event_id, type, subject, sequence, recorded_at, kelurahan, sector, kelas FROM event;

CREATE VIEW audit.disclosure AS
    SELECT id, agency, agreement_id, revision, way, stream, after_position, upto_position, events, given_at FROM disclosure;

CREATE VIEW audit.webhook AS
    SELECT w.id, w.agency, w.state, w.reason,
           (SELECT max(t.tried_at) FROM webhook_try t WHERE t.webhook_id = w.id AND t.stream IS NOT NULL) AS tried_at
    FROM webhook w;

CREATE VIEW audit.webhook_position AS
    SELECT webhook_id, stream, position, done, began, noted_upto, noted_agreement, noted_revision, tries, failing_since, due_at
    FROM webhook_position;

CREATE VIEW audit.kafka_position AS
    SELECT agency, stream, position FROM kafka_position;

GRANT SELECT ON audit.agreement, audit.agreement_text, audit.agreement_standing, audit.stream, audit.event, audit.disclosure,
    audit.webhook, audit.webhook_position, audit.kafka_position TO ${audit_role};
