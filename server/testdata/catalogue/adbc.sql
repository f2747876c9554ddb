-- What the driver of ADBC asks for the objects of a database and for what is known of them.

-- schemas: public
SELECT nspname FROM pg_catalog.pg_namespace
WHERE nspname <> 'information_schema' AND (oid = pg_my_temp_schema() OR nspname !~ '^pg_');

-- tables: runs
SELECT t.relname, CASE t.relkind WHEN 'v' THEN 'view' WHEN 'r' THEN 'table' END AS kind FROM pg_catalog.pg_class t
LEFT JOIN pg_catalog.pg_namespace s ON t.relnamespace = s.oid
WHERE s.nspname = 'public' AND t.relkind = ANY('{"r", "v", "m"}');

-- columns: run_id
SELECT a.attname, a.attnum, pg_catalog.col_description(t.oid, a.attnum), k.typname FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid
INNER JOIN pg_catalog.pg_type AS k ON k.oid = a.atttypid
WHERE NOT a.attisdropped AND a.attnum > 0 AND t.relname LIKE 'runs';

-- constraints
WITH foreign_keys AS (
    SELECT c.conname, 'FOREIGN KEY' AS kind, conrelid, UNNEST(c.conkey) AS conkey, UNNEST(c.confkey) AS confkey
    FROM pg_catalog.pg_constraint AS c INNER JOIN pg_catalog.pg_class AS t ON t.oid = conrelid
    WHERE c.contype = 'f' AND t.relname = 'runs'
), named AS (
    SELECT k.conname, k.kind, k.conkey, a.attname FROM foreign_keys k
    INNER JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.conkey AND a.attrelid = k.conrelid
), others AS (
    SELECT c.conname, CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' END AS kind, ARRAY_AGG(a.attname) AS names
    FROM pg_catalog.pg_constraint AS c CROSS JOIN UNNEST(conkey) AS keys
    INNER JOIN pg_catalog.pg_class AS t ON t.oid = c.conrelid
    INNER JOIN pg_catalog.pg_attribute AS a ON a.attnum = keys AND a.attrelid = t.oid
    WHERE c.contype IN ('p', 'u') AND t.relname = 'runs' GROUP BY conname, contype
)
SELECT conname, kind, ARRAY_AGG(attname ORDER BY conkey) AS names, 'runs' AS of FROM named GROUP BY conname, kind
UNION ALL SELECT conname, kind, names, NULL FROM others;

-- keys of constraints: 20
SELECT conname, key FROM pg_catalog.pg_constraint CROSS JOIN UNNEST(conkey) AS key
WHERE conname = 'pg_proc_proname_args_nsp_index';

-- statistics
WITH t AS (SELECT nspname, relname, reltuples FROM pg_namespace INNER JOIN pg_class ON relnamespace = pg_namespace.oid)
SELECT tablename, attname, null_frac, avg_width, n_distinct, reltuples FROM pg_stats
INNER JOIN t ON pg_stats.schemaname = t.nspname AND pg_stats.tablename = t.relname
WHERE pg_stats.schemaname = 'public' AND tablename LIKE 'runs';

-- copies: false
SELECT pg_catalog.pg_is_in_recovery();
