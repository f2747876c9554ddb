-- Endpoints, endpoint configurations and services, with the model versions they serve. One row a model. Complete is one upstream of which all is known and was searched.
SELECT
    a.namespace, a.name, v.version, v.valid_to IS NULL AND a.dropped_at IS NULL AS active,
    m.namespace AS model_namespace, m.name AS model_name, mv.version AS model_version,
    l.inherited AS inherited_tags, g.version_id IS NULL AS complete, g.gap_reason, a.asset_id, v.version_id, mv.version_id AS model_version_id,
    a.first_seen, v.valid_from, v.valid_to, a.dropped_at
FROM current.assets AS a
JOIN current.asset_versions AS v ON v.asset_id = a.asset_id
LEFT JOIN graph.served AS s ON s.version_id = v.version_id
LEFT JOIN current.asset_versions AS mv ON mv.version_id = s.model_version_id
LEFT JOIN current.assets AS m ON m.asset_id = mv.asset_id
LEFT JOIN graph.labels AS l ON l.version_id = v.version_id
LEFT JOIN graph.incomplete AS g ON g.version_id = v.version_id
WHERE a.asset_type = 'DEPLOYMENT' AND a.canonical_asset_id IS NULL
