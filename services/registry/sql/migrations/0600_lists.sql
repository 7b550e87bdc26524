-- Lists are read page by page in the order of ids, and ids follow the order in which spreadsheets came: the first page of a
-- kelurahan that was imported last would be looked for among all that came before it. An officer of a kelurahan always asks so.
CREATE INDEX business_kelurahan ON business (kelurahan, id);
CREATE INDEX owner_kelurahan ON owner (kelurahan, id);

-- Imported businesses arrive as diajukan (decision 6): left out, so that an import writes nothing here. Theirs is the status
-- that most have, so a walk by id finds a page of it soon.
CREATE INDEX business_status ON business (status, id) WHERE status <> 'diajukan';

-- What waits for a person, without all that was decided before.
CREATE INDEX duplicate_proposal_state ON duplicate_proposal (state, id);

-- licence_business is there already.
CREATE INDEX brand_business ON brand (business_id) WHERE business_id IS NOT NULL;

-- A business and all that were merged into it, at whatever remove: those of them whose licences and brands a kelurahan may see
-- there (NULL: everybody). That is all of a business of its own, else what its own ones had. OFFSET 0: one look-up by index for
-- each, also where the planner's statistics do not know yet how few are merged. NULL: none.
CREATE FUNCTION businesses_in(survivor uuid, seen_by text) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE one AS (
        SELECT survivor AS id
        UNION
        SELECT m.id FROM one CROSS JOIN LATERAL (SELECT b.id FROM business b WHERE b.merged_into = one.id OFFSET 0) AS m
    )
    SELECT array_agg(one.id) FROM one
    WHERE seen_by IS NULL OR EXISTS (SELECT FROM business b WHERE b.id IN (survivor, one.id) AND b.kelurahan = seen_by)
$$;
