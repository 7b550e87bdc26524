-- What operators did, one row a deed: append-only, numbered without gaps, each digest over its row and the digest before it.
-- The database itself numbers, times and seals a row, under the one row of trail_head: whoever may insert cannot choose
-- where a row stands, and two deeds at once come one after the other. Nothing personal stands here, and nothing is deleted.
CREATE TABLE trail (
    number bigint PRIMARY KEY,                          -- from 1, gapless
    at timestamptz NOT NULL,
    actor text NOT NULL,                                -- the token's `sub`, or the account of who ran the command
    way text NOT NULL CHECK (way IN ('api', 'cli')),
    deed text NOT NULL,
    object text NOT NULL,                               -- what it was done to, for example parked/12
    reason text NOT NULL,
    details text NOT NULL,                              -- JSON, as it was sealed
    digest bytea NOT NULL CHECK (octet_length(digest) = 32)
);
CREATE INDEX trail_object ON trail (object, number);

-- Where the trail ends: a row that is taken from its end is missed too.
CREATE TABLE trail_head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    number bigint NOT NULL,
    digest bytea NOT NULL
);
INSERT INTO trail_head (number, digest) VALUES (0, decode(repeat('00', 32), 'hex'));

-- A text with its length in bytes before it, so that no two rows are sealed as the same bytes.
CREATE FUNCTION trail_part(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $body$
    SELECT octet_length(convert_to(value, 'UTF8')) || ':' || value
$body$;

CREATE FUNCTION trail_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    last trail_head;
BEGIN
    SELECT * INTO STRICT last FROM trail_head FOR UPDATE;
    NEW.number := last.number + 1;
    NEW.at := clock_timestamp();
    NEW.digest := sha256(last.digest || convert_to(
        trail_part(NEW.number::text) || trail_part((extract(epoch FROM NEW.at) * 1000000)::bigint::text)
        || trail_part(NEW.actor) || trail_part(NEW.way) || trail_part(NEW.deed) || trail_part(NEW.object)
        || trail_part(NEW.reason) || trail_part(NEW.details), 'UTF8'));
    UPDATE trail_head SET number = NEW.number, digest = NEW.digest;
    RETURN NEW;
END
$body$;
CREATE TRIGGER trail_seal BEFORE INSERT ON trail FOR EACH ROW EXECUTE FUNCTION trail_seal();

CREATE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the trail is append-only' USING ERRCODE = 'insufficient_privilege';
END
$body$;
CREATE TRIGGER trail_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse();

REVOKE ALL ON FUNCTION trail_part, trail_seal, trail_refuse FROM public;
GRANT SELECT, INSERT ON trail TO ${app_role};
GRANT SELECT ON trail, trail_head TO ${audit_role};
