-- Lineage of columns, a row for each source column, target column and run, with the column names of Databricks' system table of this name. A target column that is null stands for the data set as a whole.
SELECT
    CASE WHEN h.run_sid IS NOT NULL THEN 'JOB' END AS entity_type,
    CASE WHEN j.job_id IS NOT NULL THEN concat(j.namespace, '/', j.name) END AS entity_id,
    r.run_id AS entity_run_id,
    s.full_name AS source_table_full_name, s.catalog_name AS source_table_catalog,
    s.schema_name AS source_table_schema, s.table_name AS source_table_name, s.path AS source_path,
    s.kind AS source_type, sf.name AS source_column_name,
    t.full_name AS target_table_full_name, t.catalog_name AS target_table_catalog,
    t.schema_name AS target_table_schema, t.table_name AS target_table_name, t.path AS target_path,
    t.kind AS target_type, tf.name AS target_column_name,
    r.principal AS created_by, h.event_time, CAST(h.event_time AS DATE) AS event_date,
    concat('mapping:', h.mapping_id, ':', m.ordinal, ':', h.src_version_id, ':', h.dst_version_id) AS record_id,
    encode(h.event_key, 'hex') AS event_id, m."type", m.subtype, m.masking,
    r.run_sid IS NULL OR r.inputs_known AS complete,
    CASE WHEN NOT r.inputs_known THEN 'the run does not say what it read' END AS gap_reason
FROM current.run_mappings AS h
JOIN current.column_mappings AS m ON m.mapping_id = h.mapping_id
JOIN current.fields AS sf ON sf.field_id = m.src_field_id
LEFT JOIN current.fields AS tf ON tf.field_id = m.dst_field_id
LEFT JOIN current.runs AS r ON r.run_sid = h.run_sid
LEFT JOIN current.jobs AS j ON j.job_id = r.job_id
LEFT JOIN names AS s ON s.version_id = h.src_version_id
LEFT JOIN names AS t ON t.version_id = h.dst_version_id
