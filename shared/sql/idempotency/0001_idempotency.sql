-- What was answered to a POST, kept for a day, so that a repeated request gets the same answer and no second effect.
-- The row is written in the transaction of the change: an answer without its change, or a change without its answer,
-- cannot be. Neither the client's key nor its request stands here, only digests that the key is needed to reproduce.
CREATE TABLE idempotency_key (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),     -- SHA-256 of caller and key
    fingerprint bytea NOT NULL,                             -- BLAKE2b of the request, keyed with the client's key
    status smallint,                                        -- NULL only inside the transaction that is at work
    headers jsonb,                                          -- [[name, value], …]
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);                                   -- room for the answer beside the claim (a HOT update)
CREATE INDEX idempotency_key_age ON idempotency_key USING brin (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO ${app_role};
