-- The tags of every field that has any, as `effective_tags` has those of versions: seen, inherited along column lineage, cleared on the way, and cleared yet seen. Without a field (NULL) it is what may be in any field of the version, because nobody says which field it went to. Where a version is not complete its fields may have others.
SELECT
    l.version_id, a.asset_type, a.namespace, a.name, v.version, l.field, l.own, l.inherited, l.cleared, l.contradicted,
    g.version_id IS NULL AS complete, g.gap_reason
FROM graph.field_labels AS l
JOIN current.asset_versions AS v ON v.version_id = l.version_id
JOIN current.assets AS a ON a.asset_id = v.asset_id
LEFT JOIN graph.incomplete AS g ON g.version_id = l.version_id
