-- Owners who want one message a day or a week instead of many. A message that is kept for a digest is suppressed with the
-- reason in_digest; the digest's text is made from it when the digest is sent.

CREATE TABLE digest_choice (
    owner_id uuid PRIMARY KEY,
    every text NOT NULL CHECK (every IN ('harian', 'mingguan')),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE digest_item (
    message_id uuid PRIMARY KEY REFERENCES message,
    owner_id uuid NOT NULL,
    held_at timestamptz NOT NULL,
    digest_id uuid                                      -- the message that tells it; NULL: it waits for the next one
);
CREATE INDEX digest_item_open ON digest_item (owner_id, held_at) WHERE digest_id IS NULL;
CREATE INDEX ON digest_item (digest_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON digest_choice TO ${app_role};
GRANT SELECT, INSERT, UPDATE ON digest_item TO ${app_role};
