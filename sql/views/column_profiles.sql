-- Fields in which sensitive data was seen, with the values that were looked at, those in which it was seen, their share, and what that says of the field (`column`, `some`, `chance`). The counts of values are NULL where no scan looked at them one by one.
SELECT
    a.asset_type, a.namespace, a.name, v.version, f.field, f.entity, f.detector, f.match_count, f.distinct_count,
    f.value_count, f.matched_values,
    CAST(f.matched_values AS DOUBLE) / NULLIF(f.value_count, 0) AS share,
    f.verdict, f.confidence, f.coverage, f.origin, f.scanned_at, a.asset_id, f.version_id
FROM current.findings AS f
JOIN current.asset_versions AS v ON v.version_id = f.version_id
JOIN current.assets AS a ON a.asset_id = v.asset_id
WHERE f.field IS NOT NULL
