-- What the page of operations tells besides figures: how far rebuilds are, and what the last audits found.

-- One row a run, written by the run itself about once a second, beside its own transactions.
CREATE TABLE rebuild_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projections text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    told_at timestamptz NOT NULL DEFAULT now(),         -- old, and not ended: it was killed
    stage text NOT NULL DEFAULT 'start',
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('swapped', 'not_swapped', 'failed'))
);
GRANT SELECT ON rebuild_run TO ${app_role};

-- What audits came to: counts, no ids.
CREATE TABLE audit_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    ok boolean NOT NULL,
    events bigint NOT NULL,
    aggregates bigint NOT NULL,
    seconds double precision NOT NULL,
    findings jsonb NOT NULL                             -- kind → how many
);
GRANT SELECT ON audit_run TO ${app_role};

-- The only thing that the audit's login may write: what its audit came to. The newest hundred are kept.
CREATE FUNCTION audit.keep_run(actor text, ok boolean, events bigint, aggregates bigint, seconds double precision, findings jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    INSERT INTO audit_run (actor, ok, events, aggregates, seconds, findings)
    VALUES (left(actor, 200), ok, events, aggregates, seconds, findings);
    DELETE FROM audit_run WHERE id <= (SELECT max(id) - 100 FROM audit_run);
$body$;
REVOKE ALL ON FUNCTION audit.keep_run FROM public;
GRANT EXECUTE ON FUNCTION audit.keep_run TO ${audit_role};
