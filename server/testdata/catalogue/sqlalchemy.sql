-- What SQLAlchemy, and the types of psycopg and asyncpg, ask.

-- a type by its name: int8
SELECT t.typname AS name, t.oid, t.oid::regtype::text AS regtype FROM pg_type t WHERE t.oid = to_regtype('bigint');

-- columns with what fills them: run_id
SELECT a.attname, CASE WHEN a.atthasdef THEN (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END AS "default",
CASE WHEN a.attidentity != '' THEN (SELECT json_build_object('always', a.attidentity = 'a', 'start', s.seqstart)
FROM pg_catalog.pg_sequence s WHERE s.seqrelid = pg_catalog.pg_get_serial_sequence('runs', a.attname)::regclass::oid) END AS identity
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE c.relname = 'runs';

-- constraints by their definition: 0
SELECT count(pg_catalog.pg_get_constraintdef(k.oid, true)) FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid WHERE c.relname = 'runs';

-- names that do not begin so: raw
SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname NOT LIKE 'pg/_' || '%' ESCAPE '/' ORDER BY n.nspname;

-- comments by a name that is put together: run_id
SELECT column_name, col_description(CAST(CAST(format('%I.%I', table_schema, table_name) AS REGCLASS) AS OID), ordinal_position)
FROM information_schema.columns WHERE table_name = 'runs';

-- a transaction that reads
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY DEFERRABLE;
