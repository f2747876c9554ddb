-- The fields of each version of a data set, in their order: as whoever wrote or declared the version says (`said_by` is `writer`), else as the run that read it last found them (`reader`). A version that nobody says anything of has no rows.
SELECT
    a.asset_type, a.namespace, a.name, v.version, s.ordinal, f.name AS field, s.data_type,
    CASE WHEN v.schema_id IS NULL THEN 'reader' ELSE 'writer' END AS said_by,
    CASE WHEN v.schema_id IS NULL THEN r.schema_at ELSE v.schema_at END AS said_at,
    v.valid_from, v.valid_to, a.asset_id, v.version_id, s.field_id, s.schema_id
FROM current.asset_versions AS v
JOIN current.assets AS a ON a.asset_id = v.asset_id
LEFT JOIN (
    SELECT version_id, schema_id, schema_at,
        row_number() OVER (PARTITION BY version_id ORDER BY schema_at DESC, schema_id DESC) AS newest
    FROM current.run_io WHERE schema_id IS NOT NULL
) AS r ON r.version_id = v.version_id AND r.newest = 1
JOIN current.schemas AS s ON s.schema_id = coalesce(v.schema_id, r.schema_id)
JOIN current.fields AS f ON f.field_id = s.field_id
