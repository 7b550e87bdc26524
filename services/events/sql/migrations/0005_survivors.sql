-- The business that goes on for one that was merged, at whatever remove; one that was not merged goes on itself. So does one of a
-- ring, or whose way leads to a business that nobody told of yet: facts of several businesses may come in any order, and for a
-- while nobody can say who it is. UNION ends a ring; OFFSET 0 as in businesses_in.
CREATE FUNCTION survivor_of(business uuid) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE one AS (
        SELECT business AS id
        UNION
        SELECT m.merged_into
        FROM one CROSS JOIN LATERAL (SELECT b.merged_into FROM business_copy b
                                     WHERE b.business_id = one.id AND b.merged_into IS NOT NULL OFFSET 0) AS m
    )
    SELECT coalesce((SELECT e.business_id
                     FROM one CROSS JOIN LATERAL (SELECT b.business_id FROM business_copy b
                                                  WHERE b.business_id = one.id AND b.merged_into IS NULL OFFSET 0) AS e),
                    business)
$$;

-- How the business stands that goes on for one; NULL: nobody told of it yet.
CREATE FUNCTION status_of(business uuid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT b.status FROM business_copy b WHERE b.business_id = survivor_of(business) $$;
