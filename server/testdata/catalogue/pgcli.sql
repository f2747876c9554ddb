-- What pgcli asks for the words that it completes.

-- search path: public
SELECT * FROM unnest(current_schemas(true));

-- relations: runs
SELECT s.nspname AS schema_name, t.relname AS table_name FROM pg_catalog.pg_class t
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = t.relnamespace WHERE t.relkind = ANY('{r,v,f}') ORDER BY 1, 2;

-- columns: timestamp with time zone
SELECT s.nspname, t.relname, a.attname, a.atttypid::regtype::text AS type_name, a.atthasdef,
pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) AS default FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class t ON a.attrelid = t.oid INNER JOIN pg_catalog.pg_namespace s ON t.relnamespace = s.oid
LEFT OUTER JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE t.relkind = ANY('{"r","v"}') AND a.attnum > 0 AND t.relname = 'runs' ORDER BY 1, 2, a.attnum;

-- functions: models_trained_on
SELECT s.nspname, p.proname, p.proargnames, COALESCE(proallargtypes::regtype[], proargtypes::regtype[])::text[],
p.proargmodes, prorettype::regtype::text AS returns, p.prokind = 'a' AS adds_up, p.proretset,
d.deptype = 'e' AS extends, pg_get_expr(proargdefaults, 0) AS defaults FROM pg_catalog.pg_proc p
INNER JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
WHERE p.prorettype::regtype <> 'trigger'::regtype ORDER BY 1, 2;

-- arguments of a function: [text, "char", boolean, text, text]
SELECT proname, COALESCE(proallargtypes::regtype[], proargtypes::regtype[])::text[] FROM pg_catalog.pg_proc
WHERE proname = 'pg_get_keywords';

-- functions of types: int4in
SELECT t.typname, t.typinput::regproc, t.typoutput::regproc::text FROM pg_catalog.pg_type t WHERE t.typname = 'int4';

-- how names are written
WITH parts AS (
    SELECT regexp_split_to_table(prosrc, '\W+') AS part, COUNT(1) FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE l.lanname IN ('sql') GROUP BY part
), ordered AS (
    SELECT part, ROW_NUMBER() OVER (PARTITION BY LOWER(part) ORDER BY count DESC) FROM parts WHERE part ~* '.*[a-z].*'
), names AS (
    SELECT attname AS name FROM pg_catalog.pg_attribute UNION SELECT relname FROM pg_catalog.pg_class
    UNION SELECT unnest(proargnames) FROM pg_proc
)
SELECT part FROM ordered WHERE LOWER(part) IN (SELECT name FROM names) AND row_number = 1;

-- a text in parts: c-d
SELECT part || '-' || lead(part) OVER (ORDER BY at) FROM (
    SELECT unnest(regexp_split_to_array('c, d', '\W+')) AS part, unnest(ARRAY[1, 2]) AS at
) AS parts;
