-- What pgAdmin asks to connect and to fill its tree.

-- settings as rows of a function: max_identifier_length
SELECT name, setting FROM pg_show_all_settings() WHERE name IN ('max_identifier_length', 'DateStyle');

-- a setting that is told back: hex
SELECT set_config('bytea_output', 'hex', false) FROM pg_catalog.pg_settings WHERE name = 'bytea_output';

-- who asks, and what that role may: false
SELECT r.rolname, r.rolsuper, CASE WHEN 'pg_signal_backend' = ANY(ARRAY(WITH RECURSIVE up AS (
SELECT pg_roles.oid, pg_roles.rolname FROM pg_catalog.pg_roles WHERE pg_roles.oid = r.oid UNION ALL
SELECT m.roleid, o.rolname FROM up JOIN pg_catalog.pg_auth_members m ON m.member = up.oid
JOIN pg_catalog.pg_roles o ON o.oid = m.roleid) SELECT rolname FROM up)) THEN true ELSE false END AS signals
FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user;

-- whether the server only copies another: false
SELECT CASE WHEN usesuper THEN pg_catalog.pg_is_in_recovery() ELSE false END AS recovers,
CASE WHEN usesuper AND pg_catalog.pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS pauses
FROM pg_catalog.pg_user WHERE usename = current_user;

-- schemas with their grants, labels and versions of rows: public
SELECT n.oid, n.xmin, n.nspname AS name, pg_catalog.array_to_string(n.nspacl::text[], ', ') AS acl,
(SELECT array_agg(l.provider || '=' || l.label) FROM pg_catalog.pg_seclabels l WHERE l.objoid = n.oid) AS labels
FROM pg_catalog.pg_namespace n WHERE n.nspname NOT LIKE 'pg!_%' ESCAPE '!' ORDER BY n.nspname;

-- grants as rows
SELECT (aclexplode(c.relacl)).grantee AS grantee, (aclexplode(c.relacl)).privilege_type AS privilege
FROM pg_catalog.pg_class c WHERE c.relname = 'runs';

-- grants as a table
SELECT d.grantee, d.privilege_type FROM (SELECT relacl FROM pg_catalog.pg_class WHERE relname = 'runs') AS acl,
pg_catalog.aclexplode(relacl) AS d;

-- options of tables by a pattern: runs
SELECT c.relname, substring(pg_catalog.array_to_string(c.reloptions, ',') FROM 'fillfactor=([0-9]*)') AS fillfactor
FROM pg_catalog.pg_class c WHERE c.relname = 'runs';

-- triggers on events
SELECT e.oid, e.xmin, pg_catalog.array_to_string(array(SELECT quote_literal(x) FROM pg_catalog.unnest(evttags) AS t(x)), ', ')
FROM pg_catalog.pg_event_trigger e;

-- statistics, locks and sessions
SELECT count(*) FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid
LEFT JOIN pg_catalog.pg_stat_database d ON d.datname = a.datname;

-- names that can be completed: public
SELECT * FROM pg_catalog.unnest(current_schemas(true)) AS schema;
