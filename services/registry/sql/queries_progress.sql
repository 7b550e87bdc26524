-- Statements about how far businesses have come.

-- name: insert_assessment
-- One assessment.
INSERT INTO business_assessment (id, business_id, sequence, method, method_version, produksi, sdm, kelembagaan, pemasaran,
    keuangan, assessor, assessed_on)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: assessments_of_business
-- Assessments of a business after one of its versions.
SELECT id, sequence, method, method_version, produksi, sdm, kelembagaan, pemasaran, keuangan, assessor, assessed_on
FROM business_assessment WHERE business_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3;

-- name: insert_class_change
-- One change of class.
INSERT INTO business_class_change (id, business_id, sequence, kelurahan, previous, current, rise, basis, year, source,
    evidence, flags, changed_on, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: class_changes_of_business
-- Changes of class of a business after one of its versions.
SELECT id, business_id, sequence, kelurahan, previous, current, rise, basis, year, source, evidence, flags, changed_on
FROM business_class_change WHERE business_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3;

-- name: class_rises
-- Who moved up a class, after an id: of a kelurahan and between two days, if given.
SELECT id, business_id, sequence, kelurahan, previous, current, rise, basis, year, source, evidence, flags, changed_on
FROM business_class_change
WHERE rise > 0 AND id > $1 AND ($2::text IS NULL OR kelurahan = $2) AND ($3::date IS NULL OR changed_on >= $3)
  AND ($4::date IS NULL OR changed_on <= $4)
ORDER BY id LIMIT $5;

-- name: insert_export_readiness
-- The checklist for export of one business, as it was gone through.
INSERT INTO business_export_readiness (id, business_id, sequence, checklist_version, items, ready, as_of, recorded_by)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8);

-- name: export_readiness_of_business
-- Checklists of a business after one of its versions.
SELECT id, sequence, checklist_version, items::text AS items, ready, as_of
FROM business_export_readiness WHERE business_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3;

-- name: keep_workers
-- A count that is not the newest of its business.
INSERT INTO business_workers (business_id, as_of, paid_men, paid_women, unpaid_men, unpaid_women)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: workers_of_business
-- The counts of a business before a day, newest first: those kept, and the one that stands. The last word about a day counts.
SELECT DISTINCT ON (as_of) as_of, paid_men, paid_women, unpaid_men, unpaid_women
FROM (SELECT as_of, paid_men, paid_women, unpaid_men, unpaid_women, id FROM business_workers WHERE business_id = $1
      UNION ALL
      SELECT workers_as_of, paid_men, paid_women, unpaid_men, unpaid_women, NULL FROM business
      WHERE id = $1 AND workers_as_of IS NOT NULL) AS counts
WHERE as_of < $2 ORDER BY as_of DESC, id DESC NULLS FIRST LIMIT $3;
