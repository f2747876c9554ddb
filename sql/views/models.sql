-- Model versions, who made them and what is known of them.
SELECT
    a.namespace, a.name, v.version, g.deployed, g.complete, g.gap_reason,
    l.own AS tags, l.inherited AS inherited_tags,
    r.run_id, j.namespace AS job_namespace, j.name AS job_name, r.state AS run_state,
    r.started_at, r.ended_at, r.principal, a.asset_id, v.version_id, a.first_seen, v.valid_from, a.dropped_at
FROM current.assets AS a
JOIN current.asset_versions AS v ON v.asset_id = a.asset_id
LEFT JOIN graph.models AS g ON g.version_id = v.version_id
LEFT JOIN graph.labels AS l ON l.version_id = v.version_id
LEFT JOIN current.runs AS r ON r.run_sid = v.produced_by_run
LEFT JOIN current.jobs AS j ON j.job_id = r.job_id
WHERE a.asset_type = 'MODEL' AND a.canonical_asset_id IS NULL
