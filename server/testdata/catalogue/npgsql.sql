-- What Npgsql, and with it Power BI, asks to load types and to describe tables.

-- types with what they are arrays or ranges of: int8
SELECT t.oid, t.typname, t.typtype, CASE WHEN p.proname = 'array_recv' THEN t.typelem
WHEN t.typtype = 'r' THEN (SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid) END AS element
FROM pg_type AS t LEFT JOIN pg_proc AS p ON p.oid = t.typreceive WHERE t.typname IN ('int8', '_int8', 'int4range');

-- arrays by how they are read: _int8
SELECT t.typname FROM pg_type AS t JOIN pg_proc AS p ON t.typreceive = p.oid
WHERE p.proname = 'array_recv' AND t.typname = '_int8';

-- databases and their owners: lineward
SELECT d.datname, u.usename FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_user u ON d.datdba = u.usesysid;

-- columns: timestamptz
SELECT table_name, column_name, ordinal_position, udt_schema, udt_name, data_type, is_identity
FROM INFORMATION_SCHEMA.columns WHERE table_name = 'runs' AND column_name = 'started_at';

-- a column twice: lineward
SELECT current_database(), n.nspname, current_database(), n.nspname FROM pg_namespace n WHERE n.nspname = 'public';

-- keys: 0
SELECT count(*) FROM information_schema.table_constraints AS c
JOIN information_schema.key_column_usage AS k ON k.constraint_name = c.constraint_name AND c.constraint_type = 'PRIMARY KEY';

-- keys that point elsewhere: 0
SELECT count(*) FROM information_schema.referential_constraints;

-- the encoding: UTF8
SELECT character_set_name FROM INFORMATION_SCHEMA.character_sets;

-- views: NONE
SELECT table_name, check_option, is_updatable FROM information_schema.views WHERE table_name = 'runs';

-- columns of indexes: 0
SELECT count(*) FROM (SELECT i.indrelid, (information_schema._pg_expandarray(i.indkey)).n AS place
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid WHERE i.indisprimary = 't') AS t;

-- a connection is handed on
SET SESSION AUTHORIZATION DEFAULT;
