-- What `naikkelas rebuild --status` shows, also by the audit's login, which is all that the container `ops` has: names, states, counts
-- and times. What a comparison of generations found stays with the service.
GRANT SELECT (projection, generation, state, started_at, swapped_at) ON projection_generation TO ${audit_role};
GRANT SELECT ON rebuild_run TO ${audit_role};
