-- The tags of every version that has any: seen, inherited along lineage, cleared on the way, and cleared yet seen. Where a version is not complete it may have others.
SELECT
    l.version_id, a.asset_type, a.namespace, a.name, v.version, l.own, l.inherited, l.cleared, l.contradicted,
    g.version_id IS NULL AS complete, g.gap_reason
FROM graph.labels AS l
JOIN current.asset_versions AS v ON v.version_id = l.version_id
JOIN current.assets AS a ON a.asset_id = v.asset_id
LEFT JOIN graph.incomplete AS g ON g.version_id = l.version_id
