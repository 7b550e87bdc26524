-- A merged business belongs to the one that it went into: its licences and its exhibitions count there, until the merge is
-- taken back. They keep their own business_id, so that nothing has to be moved back.

-- NULL: it is itself. Merges that were told before this column came are not known here.
ALTER TABLE business_copy ADD COLUMN merged_into uuid;
CREATE INDEX business_copy_merged ON business_copy (merged_into) WHERE merged_into IS NOT NULL;

-- A business and all that were merged into it, at whatever remove. Facts of two businesses may come in any order, so for a while
-- two may seem to be merged into each other: UNION ends there. OFFSET 0: one look-up by index for each, also where the
-- planner's statistics do not know yet how few are merged.
CREATE FUNCTION businesses_in(survivor uuid) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE one AS (
        SELECT survivor AS id
        UNION
        SELECT m.business_id
        FROM one CROSS JOIN LATERAL (SELECT b.business_id FROM business_copy b WHERE b.merged_into = one.id OFFSET 0) AS m
    )
    SELECT array_agg(id) FROM one
$$;
