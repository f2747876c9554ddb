-- Sensitive data seen, summed up by asset version and kind. Counts, never values.
SELECT
    a.asset_type, a.namespace, a.name, v.version, f.entity, f.categories, f.matches, f.fields, f.detectors,
    f.origins, f.confidence, f.coverage, f.first_seen, f.last_seen, a.asset_id, f.version_id
FROM (
    SELECT
        version_id, entity,
        max(array_to_string(categories, ',')) AS categories,
        sum(match_count) AS matches,
        array_agg(DISTINCT field) FILTER (WHERE field IS NOT NULL) AS fields,
        array_agg(DISTINCT detector) AS detectors,
        array_agg(DISTINCT origin) AS origins,
        max(confidence) AS confidence,
        min(coverage) AS coverage,
        min(scanned_at) AS first_seen,
        max(scanned_at) AS last_seen
    FROM current.findings
    GROUP BY version_id, entity
) AS f
JOIN current.asset_versions AS v ON v.version_id = f.version_id
JOIN current.assets AS a ON a.asset_id = v.asset_id
