//! The columns of every table: the one place where a table's shape is written down.
//!
//! Shapes only grow at the end, and every shape that was ever written stays readable.

use arrow::datatypes::SchemaRef;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow as _;
use deltalake::kernel::{ArrayType, DataType, MapType, PrimitiveType, StructField, StructType};
use std::sync::Arc;

/// All tables, in the order in which an epoch commits them.
pub const TABLES: &[&str] = &[
    "dead_letters",
    "events",
    "assets",
    "asset_versions",
    "jobs",
    "runs",
    "run_io",
    "edges",
    "findings",
    "tags",
    "accesses",
    "fields",
    "column_mappings",
    "run_mappings",
    "record_index",
    "signatures",
    "policies",
    "schemas",
    "epochs",
];

/// The tables that are projected from `events`.
pub const PROJECTIONS: &[&str] = &[
    "assets",
    "asset_versions",
    "jobs",
    "runs",
    "run_io",
    "edges",
    "findings",
    "tags",
    "accesses",
    "fields",
    "column_mappings",
    "run_mappings",
    "record_index",
    "signatures",
    "policies",
    "schemas",
];

#[derive(Clone, Copy)]
enum Type {
    I64,
    I32,
    F32,
    Bool,
    Text,
    Binary,
    Time,
    TextMap,
    I64Map,
    TextList,
}

use Type::{Binary, Bool, F32, I32, I64, I64Map, Text, TextList, TextMap, Time};

/// A column: name, type, nullable.
type Column = (&'static str, Type, bool);

const RECORDED: [Column; 4] = [
    ("recorded_at", Time, false),
    ("retracted_at", Time, true),
    ("event_key", Binary, false),
    ("revision", I64, false),
];

fn columns(table: &str) -> Option<(&'static [Column], bool)> {
    Some(match table {
        "events" => (
            &[
                ("event_key", Binary, false),
                ("source", Text, false),
                ("format", Text, false),
                ("event_kind", Text, false),
                ("event_type", Text, true),
                ("event_time", Time, true),
                ("received_at", Time, false),
                ("producer", Text, true),
                ("schema_url", Text, true),
                ("run_id", Text, true),
                ("job_namespace", Text, true),
                ("job_name", Text, true),
                ("principal", Text, true),
                ("topic", Text, true),
                ("topic_id", Text, true),
                ("partition", I32, true),
                ("offset", I64, true),
                ("ordinal", I32, false),
                ("payload", Text, false),
                ("redactions", Text, true),
            ],
            false,
        ),
        "dead_letters" => (
            &[
                ("source", Text, false),
                ("topic", Text, true),
                ("topic_id", Text, true),
                ("partition", I32, true),
                ("offset", I64, true),
                ("ordinal", I32, false),
                ("reason", Text, false),
                ("place", Text, false),
                ("size_bytes", I64, false),
                ("payload_hmac", Binary, true),
                ("received_at", Time, false),
            ],
            false,
        ),
        "epochs" => (
            &[
                ("epoch", I64, false),
                ("table_versions", I64Map, false),
                ("writer", Text, false),
                ("ruleset", Text, true),
                ("committed_at", Time, false),
            ],
            false,
        ),
        "assets" => (
            &[
                ("asset_id", I64, false),
                ("namespace", Text, false),
                ("name", Text, false),
                ("asset_type", Text, false),
                ("parent_asset_id", I64, true),
                ("canonical_asset_id", I64, true),
                ("first_seen", Time, false),
                ("dropped_at", Time, true),
                ("schema_json", Text, true),
            ],
            true,
        ),
        "asset_versions" => (
            &[
                ("version_id", I64, false),
                ("asset_id", I64, false),
                ("version", Text, false),
                ("version_scheme", Text, false),
                ("inferred", Bool, false),
                ("content_sha256", Binary, true),
                ("merkle_root", Binary, true),
                ("row_count", I64, true),
                ("size_bytes", I64, true),
                ("file_count", I64, true),
                ("produced_by_run", I64, true),
                ("valid_from", Time, false),
                ("valid_to", Time, true),
                ("listed_at", Time, true),
                ("declared_at", Time, true),
                ("schema_id", I64, true),
                ("schema_at", Time, true),
            ],
            true,
        ),
        "jobs" => (
            &[
                ("job_id", I64, false),
                ("namespace", Text, false),
                ("name", Text, false),
                ("integration", Text, true),
                ("job_type", Text, true),
                ("processing_type", Text, true),
                ("source_code_url", Text, true),
            ],
            true,
        ),
        "runs" => (
            &[
                ("run_sid", I64, false),
                ("run_id", Text, false),
                ("job_id", I64, false),
                ("parent_run_id", Text, true),
                ("root_run_id", Text, true),
                ("state", Text, false),
                ("started_at", Time, true),
                ("ended_at", Time, true),
                ("nominal_start", Time, true),
                ("nominal_end", Time, true),
                ("principal", Text, true),
                ("git_sha", Text, true),
                ("image", Text, true),
                ("inputs_known", Bool, false),
                ("params", TextMap, false),
            ],
            true,
        ),
        "run_io" => (
            &[
                ("run_sid", I64, false),
                ("version_id", I64, false),
                ("io", Text, false),
                ("context", Text, false),
                ("subset", Text, true),
                ("evidence", Text, false),
                ("event_time", Time, false),
                ("row_count", I64, true),
                ("size_bytes", I64, true),
                ("schema_id", I64, true),
                ("schema_at", Time, true),
            ],
            true,
        ),
        "edges" => (
            &[
                ("edge_id", I64, false),
                ("src_version_id", I64, false),
                ("dst_version_id", I64, false),
                ("run_sid", I64, true),
                ("edge_type", Text, false),
                ("evidence", Text, false),
                ("confidence", F32, false),
                ("masking", Bool, false),
                ("clear_mask", I64, false),
                ("valid_from", Time, false),
                ("valid_to", Time, true),
            ],
            true,
        ),
        "findings" => (
            &[
                ("finding_id", I64, false),
                ("version_id", I64, false),
                ("field", Text, true),
                ("entity", Text, false),
                ("tag_id", I32, false),
                ("categories", TextList, false),
                ("detector", Text, false),
                ("detector_version", Text, true),
                ("match_count", I64, false),
                ("distinct_count", I64, true),
                ("confidence", F32, false),
                ("coverage", F32, false),
                ("origin", Text, false),
                ("policy", Text, true),
                ("severity", Text, true),
                ("scanned_at", Time, false),
                ("value_count", I64, true),
                ("matched_values", I64, true),
                ("verdict", Text, true),
            ],
            true,
        ),
        "tags" => (
            &[
                ("tag_id", I32, false),
                ("tag", Text, false),
                ("parent", Text, true),
                ("regime", Text, true),
                ("propagate", Bool, false),
                ("severity", I32, false),
            ],
            true,
        ),
        "accesses" => (
            &[
                ("access_id", I64, false),
                ("version_id", I64, false),
                ("action", Text, false),
                ("principal", Text, true),
                ("role", Text, true),
                ("bytes", I64, true),
                ("error_code", Text, true),
                ("event_time", Time, false),
            ],
            true,
        ),
        "fields" => (
            &[
                ("field_id", I64, false),
                ("asset_id", I64, false),
                ("name", Text, false),
                ("ordinal", I32, true),
                ("data_type", Text, true),
            ],
            true,
        ),
        "schemas" => (
            &[("schema_id", I64, false), ("ordinal", I32, false), ("field_id", I64, false), ("data_type", Text, true)],
            true,
        ),
        "column_mappings" => (
            &[
                ("mapping_id", I64, false),
                ("ordinal", I32, false),
                ("src_field_id", I64, false),
                ("dst_field_id", I64, true),
                ("type", Text, false),
                ("subtype", Text, true),
                ("masking", Bool, false),
                ("clear_mask", I64, false),
                ("description", Text, true),
            ],
            true,
        ),
        "run_mappings" => (
            &[
                ("run_sid", I64, true),
                ("mapping_id", I64, false),
                ("src_version_id", I64, false),
                ("dst_version_id", I64, false),
                ("event_time", Time, false),
            ],
            true,
        ),
        "policies" => (
            &[
                ("policy_id", I64, false),
                ("name", Text, false),
                ("version", I32, false),
                ("effect", Text, false),
                ("expr", Text, false),
                ("tags", TextList, false),
                ("applies_to", Text, false),
                ("valid_from", Time, false),
                ("valid_to", Time, true),
            ],
            true,
        ),
        "record_index" => (
            &[
                ("subject_key", Text, false),
                ("entity", Text, false),
                ("version_id", I64, false),
                ("row_group", I32, true),
                ("row", I64, false),
                ("byte_offset", I64, false),
                ("byte_len", I32, false),
            ],
            true,
        ),
        "signatures" => (
            &[
                ("version_id", I64, false),
                ("key_id", Text, false),
                ("form", I32, false),
                ("shingle_count", I64, false),
                ("complete", Bool, false),
                ("minhash", Binary, false),
                ("sample", Binary, false),
                ("scanned_at", Time, false),
            ],
            true,
        ),
        _ => return None,
    })
}

fn data_type(t: Type) -> DataType {
    match t {
        I64 => DataType::LONG,
        I32 => DataType::INTEGER,
        F32 => DataType::FLOAT,
        Bool => DataType::BOOLEAN,
        Text => DataType::STRING,
        Binary => DataType::BINARY,
        Time => DataType::Primitive(PrimitiveType::Timestamp),
        TextMap => DataType::Map(Box::new(MapType::new(DataType::STRING, DataType::STRING, true))),
        I64Map => DataType::Map(Box::new(MapType::new(DataType::STRING, DataType::LONG, true))),
        TextList => DataType::Array(Box::new(ArrayType::new(DataType::STRING, true))),
    }
}

/// The fields of a table as Delta has them; empty for a name that is no table.
pub(crate) fn delta_fields(table: &str) -> Vec<StructField> {
    let Some((own, recorded)) = columns(table) else { return Vec::new() };
    let tail: &[Column] = if recorded { &RECORDED } else { &[] };
    own.iter().chain(tail).map(|(name, t, nullable)| StructField::new(*name, data_type(*t), *nullable)).collect()
}

/// The Arrow schema of a table, as Delta readers see it; `None` for a name that is no table.
pub fn arrow_schema(table: &str) -> Option<SchemaRef> {
    let fields = delta_fields(table);
    if fields.is_empty() {
        return None;
    }
    let delta = StructType::try_new(fields).ok()?;
    (&delta).try_into_arrow().ok().map(Arc::new)
}
