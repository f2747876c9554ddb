-- Data assets at their newest version: everything a model can be trained on. Complete is what was searched itself and comes only from what is known and was searched.
SELECT
    a.asset_type, a.namespace, a.name, v.version, v.row_count, v.size_bytes, v.file_count,
    l.own AS tags, l.inherited AS inherited_tags,
    CASE WHEN v.version_id IS NOT NULL THEN g.version_id IS NULL END AS complete, g.gap_reason,
    a.asset_id, v.version_id, v.content_sha256, v.merkle_root, a.first_seen, v.valid_from, a.dropped_at
FROM current.assets AS a
LEFT JOIN (
    SELECT *, row_number() OVER (PARTITION BY asset_id ORDER BY valid_from DESC, version_id DESC) AS newest
    FROM current.asset_versions
) AS v ON v.asset_id = a.asset_id AND v.newest = 1
LEFT JOIN graph.labels AS l ON l.version_id = v.version_id
LEFT JOIN graph.incomplete AS g ON g.version_id = v.version_id
WHERE a.asset_type NOT IN ('MODEL', 'DEPLOYMENT', 'PROMPT') AND a.canonical_asset_id IS NULL
    AND (v.version_id IS NOT NULL OR a.dropped_at IS NOT NULL)
