-- Whoever had a seat in a batch that the office cancelled did not give it up. Both are the fact enrolment.withdrawn, and its
-- cause tells them apart.

ALTER TABLE training_outcome ADD COLUMN cause text; -- of an enrolment that was withdrawn, as a code; else NULL

-- What was told before stands in the timeline.
UPDATE training_outcome o SET cause = t.cause
FROM (SELECT DISTINCT ON (stream_id) stream_id, detail ->> 'cause' AS cause FROM service_timeline
      WHERE topic = 'umkm.enrolment' AND name = 'enrolment.withdrawn' ORDER BY stream_id, sequence DESC) t
WHERE t.stream_id = o.stream_id AND o.topic = 'umkm.enrolment';

-- A generation that is not live has the shape of before: no way leads back to it.
DROP TABLE IF EXISTS training_outcome_standby;
UPDATE projection_generation SET state = 'dropped'
WHERE projection = 'training_outcome' AND state IN ('building', 'ready', 'standby');
