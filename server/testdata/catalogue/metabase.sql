-- What Metabase asks to sync a database, beside what its JDBC driver asks.

-- connect
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;

-- time zone: UTC
SHOW timezone;

-- tables: runs
SELECT n.nspname AS "schema", c.relname AS "name",
CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
  WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", d.description AS "description"
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
LEFT JOIN pg_catalog.pg_description AS d ON c.oid = d.objoid AND d.objsubid = 0
WHERE c.relnamespace = n.oid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND c.relkind IN ('r', 'p', 'v', 'f', 'm') ORDER BY "type", "schema", "name";

-- columns: run_id
SELECT c.column_name AS "name", c.data_type AS "database-type", c.ordinal_position - 1 AS "database-position",
c.table_schema AS "table-schema", c.table_name AS "table-name", c.is_nullable <> 'NO' AS "database-is-nullable"
FROM information_schema.columns AS c
WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND c.table_name = 'runs'
ORDER BY "table-schema", "table-name", "database-position";

-- privileges: runs
SELECT t.schemaname AS "schema", t.tablename AS "table",
pg_catalog.has_table_privilege(current_user, concat('"', t.schemaname, '"', '.', '"', t.tablename, '"'), 'SELECT') AS "select"
FROM (SELECT schemaname, tablename FROM pg_catalog.pg_tables UNION SELECT schemaname, viewname FROM pg_catalog.pg_views) t
WHERE t.schemaname !~ '^pg_' AND t.schemaname <> 'information_schema';

-- a question
SELECT "public"."runs"."state" AS "state", COUNT(*) AS "count" FROM "public"."runs"
GROUP BY "public"."runs"."state" ORDER BY "public"."runs"."state" ASC;

-- a question by month
SELECT DATE_TRUNC('month', "public"."runs"."started_at") AS "started_at", COUNT(*) AS "count" FROM "public"."runs"
WHERE "public"."runs"."started_at" >= timestamp with time zone '2026-01-01 00:00:00Z'
GROUP BY DATE_TRUNC('month', "public"."runs"."started_at") ORDER BY 1;
