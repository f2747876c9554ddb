//! Tables of PostgreSQL's catalogue that have no rows here: keys, locks, cursors, extensions and other things that this
//! server has none of or does not tell. Clients read them, and take no rows for an answer. Columns as PostgreSQL 16
//! documents them, but for types that have no counterpart, which are texts.

use super::INFORMATION;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// Tables of `pg_catalog`, with their columns: name and type.
const PG_CATALOG: [(&str, &str); 29] = [
    (
        "pg_available_extension_versions",
        "name text, version text, installed bool, superuser bool, trusted bool, relocatable bool, schema text, \
         requires texts, comment text",
    ),
    ("pg_available_extensions", "name text, default_version text, installed_version text, comment text"),
    (
        "pg_cursors",
        "name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, creation_time time",
    ),
    ("pg_group", "groname text, grosysid int4, grolist oids"),
    ("pg_indexes", "schemaname text, tablename text, indexname text, tablespace text, indexdef text"),
    (
        "pg_locks",
        "locktype text, database int4, relation int4, page int4, tuple int2, virtualxid text, transactionid int4, \
         classid int4, objid int4, objsubid int2, virtualtransaction text, pid int4, mode text, granted bool, \
         fastpath bool, waitstart time",
    ),
    (
        "pg_policies",
        "schemaname text, tablename text, policyname text, permissive text, roles texts, cmd text, qual text, \
         with_check text",
    ),
    (
        "pg_prepared_statements",
        "name text, statement text, prepare_time time, parameter_types texts, result_types texts, from_sql bool, \
         generic_plans int8, custom_plans int8",
    ),
    ("pg_prepared_xacts", "transaction int4, gid text, prepared time, owner text, database text"),
    ("pg_publication_tables", "pubname text, schemaname text, tablename text, attnames texts, rowfilter text"),
    ("pg_rules", "schemaname text, tablename text, rulename text, definition text"),
    (
        "pg_seclabels",
        "objoid int4, classoid int4, objsubid int4, objtype text, objnamespace int4, objname text, provider text, \
         label text",
    ),
    (
        "pg_sequences",
        "schemaname text, sequencename text, sequenceowner text, data_type text, start_value int8, min_value int8, \
         max_value int8, increment_by int8, cycle bool, cache_size int8, last_value int8",
    ),
    (
        "pg_stat_activity",
        "datid int4, datname text, pid int4, leader_pid int4, usesysid int4, usename text, application_name text, \
         client_addr text, client_hostname text, client_port int4, backend_start time, xact_start time, \
         query_start time, state_change time, wait_event_type text, wait_event text, state text, backend_xid int4, \
         backend_xmin int4, query_id int8, query text, backend_type text",
    ),
    (
        "pg_stat_all_indexes",
        "relid int4, indexrelid int4, schemaname text, relname text, indexrelname text, idx_scan int8, \
         last_idx_scan time, idx_tup_read int8, idx_tup_fetch int8",
    ),
    ("pg_stat_all_tables", STATISTICS_OF_TABLES),
    (
        "pg_stat_database",
        "datid int4, datname text, numbackends int4, xact_commit int8, xact_rollback int8, blks_read int8, \
         blks_hit int8, tup_returned int8, tup_fetched int8, tup_inserted int8, tup_updated int8, tup_deleted int8, \
         conflicts int8, temp_files int8, temp_bytes int8, deadlocks int8, checksum_failures int8, \
         checksum_last_failure time, blk_read_time float8, blk_write_time float8, session_time float8, \
         active_time float8, idle_in_transaction_time float8, sessions int8, sessions_abandoned int8, \
         sessions_fatal int8, sessions_killed int8, stats_reset time",
    ),
    (
        "pg_stat_database_conflicts",
        "datid int4, datname text, confl_tablespace int8, confl_lock int8, confl_snapshot int8, confl_bufferpin int8, \
         confl_deadlock int8, confl_active_logicalslot int8",
    ),
    ("pg_stat_progress_vacuum", "pid int4, datid int4, datname text, relid int4, phase text"),
    (
        "pg_stat_replication",
        "pid int4, usesysid int4, usename text, application_name text, client_addr text, client_hostname text, \
         client_port int4, backend_start time, backend_xmin int4, state text, sent_lsn text, write_lsn text, \
         flush_lsn text, replay_lsn text, write_lag text, flush_lag text, replay_lag text, sync_priority int4, \
         sync_state text, reply_time time",
    ),
    (
        "pg_stat_ssl",
        "pid int4, ssl bool, version text, cipher text, bits int4, client_dn text, client_serial text, issuer_dn text",
    ),
    ("pg_stat_sys_tables", STATISTICS_OF_TABLES),
    (
        "pg_stat_user_functions",
        "funcid int4, schemaname text, funcname text, calls int8, total_time float8, self_time float8",
    ),
    (
        "pg_stat_user_indexes",
        "relid int4, indexrelid int4, schemaname text, relname text, indexrelname text, idx_scan int8, \
         last_idx_scan time, idx_tup_read int8, idx_tup_fetch int8",
    ),
    (
        "pg_statio_all_indexes",
        "relid int4, indexrelid int4, schemaname text, relname text, indexrelname text, idx_blks_read int8, \
         idx_blks_hit int8",
    ),
    ("pg_statio_all_sequences", "relid int4, schemaname text, relname text, blks_read int8, blks_hit int8"),
    (
        "pg_statio_all_tables",
        "relid int4, schemaname text, relname text, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8, \
         idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8",
    ),
    ("pg_timezone_names", "name text, abbrev text, utc_offset text, is_dst bool"),
    ("pg_user_mappings", "umid int4, srvid int4, srvname text, umuser int4, usename text, umoptions texts"),
];

const STATISTICS_OF_TABLES: &str = "relid int4, schemaname text, relname text, seq_scan int8, last_seq_scan time, \
     seq_tup_read int8, idx_scan int8, last_idx_scan time, idx_tup_fetch int8, n_tup_ins int8, n_tup_upd int8, \
     n_tup_del int8, n_tup_hot_upd int8, n_tup_newpage_upd int8, n_live_tup int8, n_dead_tup int8, \
     n_mod_since_analyze int8, n_ins_since_vacuum int8, last_vacuum time, last_autovacuum time, last_analyze time, \
     last_autoanalyze time, vacuum_count int8, autovacuum_count int8, analyze_count int8, autoanalyze_count int8";

/// Tables of `information_schema`.
const OF_INFORMATION: [(&str, &str); 14] = [
    ("check_constraints", "constraint_catalog text, constraint_schema text, constraint_name text, check_clause text"),
    (
        "column_privileges",
        "grantor text, grantee text, table_catalog text, table_schema text, table_name text, column_name text, \
         privilege_type text, is_grantable text",
    ),
    (
        "constraint_column_usage",
        "table_catalog text, table_schema text, table_name text, column_name text, constraint_catalog text, \
         constraint_schema text, constraint_name text",
    ),
    (
        "constraint_table_usage",
        "table_catalog text, table_schema text, table_name text, constraint_catalog text, constraint_schema text, \
         constraint_name text",
    ),
    ("domains", "domain_catalog text, domain_schema text, domain_name text, data_type text"),
    (
        "key_column_usage",
        "constraint_catalog text, constraint_schema text, constraint_name text, table_catalog text, table_schema text, \
         table_name text, column_name text, ordinal_position int4, position_in_unique_constraint int4",
    ),
    (
        "referential_constraints",
        "constraint_catalog text, constraint_schema text, constraint_name text, unique_constraint_catalog text, \
         unique_constraint_schema text, unique_constraint_name text, match_option text, update_rule text, \
         delete_rule text",
    ),
    (
        "role_table_grants",
        "grantor text, grantee text, table_catalog text, table_schema text, table_name text, privilege_type text, \
         is_grantable text, with_hierarchy text",
    ),
    (
        "routine_privileges",
        "grantor text, grantee text, specific_catalog text, specific_schema text, specific_name text, \
         routine_catalog text, routine_schema text, routine_name text, privilege_type text, is_grantable text",
    ),
    (
        "sequences",
        "sequence_catalog text, sequence_schema text, sequence_name text, data_type text, start_value text, \
         minimum_value text, maximum_value text, increment text, cycle_option text",
    ),
    (
        "table_constraints",
        "constraint_catalog text, constraint_schema text, constraint_name text, table_catalog text, table_schema text, \
         table_name text, constraint_type text, is_deferrable text, initially_deferred text, enforced text, \
         nulls_distinct text",
    ),
    (
        "table_privileges",
        "grantor text, grantee text, table_catalog text, table_schema text, table_name text, privilege_type text, \
         is_grantable text, with_hierarchy text",
    ),
    (
        "triggers",
        "trigger_catalog text, trigger_schema text, trigger_name text, event_manipulation text, \
         event_object_catalog text, event_object_schema text, event_object_table text, action_order int4, \
         action_condition text, action_statement text, action_orientation text, action_timing text",
    ),
    (
        "usage_privileges",
        "grantor text, grantee text, object_catalog text, object_schema text, object_name text, object_type text, \
         privilege_type text, is_grantable text",
    ),
];

/// The columns of a table that has no rows, by its name in the catalogue of ours.
pub(super) fn table(name: &str) -> Option<SchemaRef> {
    let (all, name): (&[(&str, &str)], _) = match name.strip_prefix(INFORMATION) {
        Some(name) => (&OF_INFORMATION, name),
        None => (&PG_CATALOG, name),
    };
    let (_, columns) = all.iter().find(|(table, _)| *table == name)?;
    let fields = columns.split(", ").filter_map(|column| {
        let (name, kind) = column.split_once(' ')?;
        Some(Field::new(name, data_type(kind), true))
    });
    Some(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Whether `information_schema` has such a table, of which there are no rows.
pub(super) fn is_of_information(name: &str) -> bool {
    OF_INFORMATION.iter().any(|(table, _)| *table == name)
}

fn data_type(kind: &str) -> DataType {
    let list = |kind| DataType::List(Arc::new(Field::new_list_field(kind, true)));
    match kind {
        "bool" => DataType::Boolean,
        "int2" => DataType::Int16,
        "int4" => DataType::Int32,
        "int8" => DataType::Int64,
        "float8" => DataType::Float64,
        "time" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "oids" => list(DataType::Int32),
        "texts" => list(DataType::Utf8),
        _ => DataType::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_written_as_they_are_read() {
        let known = ["bool", "int2", "int4", "int8", "float8", "time", "oids", "texts", "text"];
        for (table, columns) in PG_CATALOG.iter().chain(&OF_INFORMATION) {
            for column in columns.split(", ") {
                let (name, kind) = column.split_once(' ').expect("a name and a type");
                assert!(known.contains(&kind), "{table}: {column}");
                assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{table}: {column}");
            }
        }
        let locks = table("pg_locks").expect("a table");
        assert_eq!((locks.fields().len(), locks.field(13).name().as_str()), (16, "granted"));
        assert!(table("information_schema.triggers").is_some() && table("triggers").is_none());
    }
}
