-- Lineage of tables and paths, a row for each source, target and run, with the column names of Databricks' system table of this name. A read without a write has no target, a write without a read no source.
, explained AS (
    SELECT DISTINCT run_sid, dst_version_id AS version_id
    FROM current.edges
    WHERE run_sid IS NOT NULL AND edge_type NOT IN ('CONTAINS', 'COPY_OF', 'NEAR_DUPLICATE')
    UNION
    SELECT run_sid, version_id FROM current.run_io WHERE io = 'OUTPUT' AND evidence = 'EXPLICIT'
), hops AS (
    SELECT
        src_version_id, dst_version_id, run_sid, edge_type, evidence, valid_from AS event_time, event_key,
        concat('edge:', edge_id) AS record_id
    FROM current.edges
    WHERE edge_type NOT IN ('CONTAINS', 'NEAR_DUPLICATE') AND valid_to IS NULL
    UNION ALL
    SELECT
        i.version_id, o.version_id, o.run_sid, 'DERIVED', i.evidence, o.event_time, o.event_key,
        concat('run:', o.run_sid, ':', i.version_id, ':', o.version_id)
    FROM current.run_io AS i
    JOIN current.run_io AS o ON o.run_sid = i.run_sid AND o.io = 'OUTPUT'
    LEFT JOIN explained AS e ON e.run_sid = o.run_sid AND e.version_id = o.version_id
    WHERE i.io = 'INPUT' AND e.run_sid IS NULL
    UNION ALL
    SELECT
        CASE WHEN io = 'INPUT' THEN version_id END, CASE WHEN io = 'OUTPUT' THEN version_id END, run_sid,
        CASE WHEN io = 'INPUT' THEN 'READ' ELSE 'WRITE' END, evidence, event_time, event_key,
        concat('run:', run_sid, ':', io, ':', version_id)
    FROM current.run_io
    WHERE run_sid IN (SELECT run_sid FROM current.run_io GROUP BY run_sid HAVING count(DISTINCT io) = 1)
)
SELECT
    CASE WHEN h.run_sid IS NOT NULL THEN 'JOB' END AS entity_type,
    CASE WHEN j.job_id IS NOT NULL THEN concat(j.namespace, '/', j.name) END AS entity_id,
    r.run_id AS entity_run_id,
    s.full_name AS source_table_full_name, s.catalog_name AS source_table_catalog,
    s.schema_name AS source_table_schema, s.table_name AS source_table_name, s.path AS source_path,
    s.kind AS source_type,
    t.full_name AS target_table_full_name, t.catalog_name AS target_table_catalog,
    t.schema_name AS target_table_schema, t.table_name AS target_table_name, t.path AS target_path,
    t.kind AS target_type,
    r.principal AS created_by, h.event_time, CAST(h.event_time AS DATE) AS event_date, h.record_id,
    encode(h.event_key, 'hex') AS event_id, h.edge_type, h.evidence,
    r.run_sid IS NULL OR r.inputs_known AS complete,
    CASE WHEN NOT r.inputs_known THEN 'the run does not say what it read' END AS gap_reason
FROM hops AS h
LEFT JOIN current.runs AS r ON r.run_sid = h.run_sid
LEFT JOIN current.jobs AS j ON j.job_id = r.job_id
LEFT JOIN names AS s ON s.version_id = h.src_version_id
LEFT JOIN names AS t ON t.version_id = h.dst_version_id
