-- What Grafana asks for its query builder and its panels.

-- version: 16
SELECT current_setting('server_version_num')::int / 100 AS version;

-- tables: runs
SELECT CASE WHEN table_schema = ANY(string_to_array(current_setting('search_path'), ',')) THEN quote_ident(table_name)
ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog') ORDER BY 1;

-- columns: run_id
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE quote_ident(table_name) = 'runs';

-- a panel
SELECT floor(extract(epoch from started_at) / 3600) * 3600 AS "time", count(*) AS value FROM runs
WHERE started_at BETWEEN '2026-01-01T00:00:00Z' AND '2026-12-31T00:00:00Z' GROUP BY 1 ORDER BY 1;
