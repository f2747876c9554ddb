//! The SQL reference, written from the lists of functions and views so that it cannot drift from them.

use crate::functions::{self, Function, Type};
use crate::options::SETTINGS;
use crate::scalars::{self, Scalar};
use crate::{Error, LinewardSession, views};
use std::fmt::Write as _;

const HEAD: &str = "\
# SQL reference

Written from the code; `LINEWARD_BLESS=1 cargo test -p lineward-sql` writes it anew.

A session reads one consistent cut of a store and changes nothing. Schema `public` (no prefix needed) holds the views
below and the store's tables in their current state; `current` the same tables under names that no view takes; `raw`
every revision of every row, with `recorded_at`, `retracted_at` and `revision`. `SHOW TABLES` and `DESCRIBE NAME` list
them.

An asset is written `type:namespace/name[@version]`, as `model:mlflow://prod/summarizer@3`. The type may be left out,
so may the front of the name where the rest names one asset; `*` stands for anything. Times are RFC 3339, or
`2026-03-01 12:00` and `2026-03-01`, which are UTC. Arguments of functions are positional: constants, or a subquery in
parentheses. An argument that is `NULL` counts as not given. `SET lineward.as_of = '...'` and
`SET lineward.recorded_as_of = '...'` move all views and functions of a session to a time, but for calls that give one;
`SET lineward.as_of = ''` ends it. To `as_of` move the functions, versions, runs with their inputs and outputs, edges,
mappings of columns, policies and accesses. Data sets, models, jobs, fields, tags and findings are shown as known: what
was found later counts for what was there before; `recorded_as_of` moves them too, and events and dead letters.
`EXPLAIN` shows what a function will do and at which times.
";

/// The reference as Markdown.
///
/// # Errors
///
/// [`Error::Query`] where a view cannot be described.
pub async fn reference(session: &LinewardSession) -> Result<String, Error> {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Functions\n");
    for function in functions::ALL {
        function_section(function, &mut text);
    }
    text.push_str("\n## Scalar functions\n");
    for scalar in scalars::ALL {
        scalar_section(scalar, &mut text);
    }
    text.push_str("\n## Settings\n\n| setting | meaning |\n|---|---|\n");
    for (name, meaning) in SETTINGS {
        let _ = writeln!(text, "| `SET lineward.{name} = '...'` | {meaning} |");
    }
    text.push_str("\n## Views\n");
    for view in views::ALL {
        let table = session.context().table(view.name).await?;
        let _ = write!(text, "\n### `{}`\n\n{}\n\n| column | type |\n|---|---|\n", view.name, view.summary());
        for field in table.schema().fields() {
            let _ = writeln!(text, "| `{}` | {} |", field.name(), type_name(field.data_type()));
        }
    }
    Ok(text)
}

fn function_section(function: &Function, text: &mut String) {
    let _ = write!(text, "\n### `{}`\n\n{}\n\n", function.signature(), function.summary);
    text.push_str("| argument | meaning |\n|---|---|\n");
    for argument in function.arguments {
        let _ = writeln!(text, "| `{}` | {} |", argument.name, argument.summary);
    }
    text.push_str("\n| column | type | meaning |\n|---|---|---|\n");
    for (name, kind, meaning) in function.columns {
        let _ = writeln!(text, "| `{name}` | {} | {meaning} |", kind_name(*kind));
    }
    let _ = write!(text, "\n```sql\n{};\n```\n", function.example);
}

fn scalar_section(scalar: &Scalar, text: &mut String) {
    let _ = write!(text, "\n### `{}`\n\n{}\n\n", scalar.signature(), scalar.summary);
    text.push_str("| argument | type | meaning |\n|---|---|---|\n");
    for (name, kind, _, meaning) in scalar.arguments {
        let _ = writeln!(text, "| `{name}` | {} | {meaning} |", kind_name(*kind));
    }
    let _ = write!(text, "\nReturns {}.\n\n```sql\n{};\n```\n", kind_name(scalar.returns), scalar.example);
}

fn kind_name(kind: Type) -> String {
    type_name(&kind.arrow())
}

fn type_name(data_type: &arrow::datatypes::DataType) -> String {
    use arrow::datatypes::DataType;
    match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::UInt64 => "unsigned bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp (UTC)".to_owned(),
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "binary".to_owned(),
        DataType::List(item) => format!("list of {}", type_name(item.data_type())),
        DataType::Map(..) => "map".to_owned(),
        other => other.to_string(),
    }
}
