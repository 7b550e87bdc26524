-- A stream that an agency's topic gets is a lane, which stops where events that were not written are not kept any more: until somebody
-- says that it may go on without them.
ALTER TABLE kafka_position
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN version bigint NOT NULL DEFAULT 1,       -- of stopping and going on; writing does not move it
    ADD COLUMN state text NOT NULL DEFAULT 'aktif' CHECK (state IN ('aktif', 'berhenti')),
    ADD COLUMN reason text,                             -- why it stopped
    ADD CONSTRAINT kafka_position_reason CHECK ((state = 'berhenti') = (reason IS NOT NULL));
CREATE UNIQUE INDEX kafka_position_id ON kafka_position (id);
