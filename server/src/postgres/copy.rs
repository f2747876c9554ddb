//! `COPY (query) TO STDOUT`: the answer of a query as one stream, in PostgreSQL's binary, text or CSV form.

use super::rewrite::told_name;
use super::told;
use crate::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_pg::datatypes::arrow_schema_to_pg_fields;
use arrow_pg::encoder::encode_value;
use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{
    CopyLegacyCsvOption, CopyLegacyOption, CopyOption, CopySource, CopyTarget, Statement,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use futures::{Stream, StreamExt as _, stream};
use pgwire::api::portal::Format;
use pgwire::api::results::{CopyCsvOptions, CopyEncoder, CopyResponse, CopyTextOptions, FieldInfo};
use pgwire::error::PgWireResult;
use pgwire::messages::copy::CopyData;
use std::sync::Arc;

/// Signature, no flags, no extension: what begins binary data.
const BINARY_HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/// The form of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Binary,
    Text(CopyTextOptions),
    Csv(CopyCsvOptions, bool),
}

/// A query whose answer is copied.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Copy {
    pub query: Statement,
    pub form: Form,
}

/// The copy that a statement asks for; `None` for any other statement.
pub(super) fn of(statement: &Statement) -> Result<Option<Copy>, Error> {
    let Statement::Copy { source, to, target, options, legacy_options, .. } = statement else { return Ok(None) };
    if !to || *target != CopyTarget::Stdout {
        return Err(Error::ReadOnly("COPY goes to STDOUT only".into()));
    }
    let query = match source {
        CopySource::Query(query) => Statement::Query(query.clone()),
        CopySource::Table { table_name, columns } => select(&table_name.to_string(), columns)?,
    };
    Ok(Some(Copy { query, form: form(options, legacy_options)? }))
}

fn select(table: &str, columns: &[impl std::fmt::Display]) -> Result<Statement, Error> {
    let columns = match columns {
        [] => "*".to_owned(),
        all => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &format!("SELECT {columns} FROM {table}"));
    let unfit = || Error::Parameter("the table of COPY cannot be read; write `COPY (SELECT ...) TO STDOUT`".into());
    parsed.ok().and_then(|mut all| all.pop()).ok_or_else(unfit)
}

fn form(options: &[CopyOption], legacy: &[CopyLegacyOption]) -> Result<Form, Error> {
    let is_binary = |name: &str| name.eq_ignore_ascii_case("binary");
    let named = options.iter().find_map(|o| match o {
        CopyOption::Format(name) => Some(name.value.to_ascii_lowercase()),
        _ => None,
    });
    let by_word = legacy.iter().find_map(|o| match o {
        CopyLegacyOption::Binary => Some("binary".to_owned()),
        CopyLegacyOption::Csv(_) => Some("csv".to_owned()),
        _ => None,
    });
    let name = named.or(by_word).unwrap_or_else(|| "text".to_owned());
    if is_binary(&name) {
        return Ok(Form::Binary);
    }
    let (mut text, mut csv, mut header) = (CopyTextOptions::default(), CopyCsvOptions::default(), false);
    for option in options {
        match option {
            CopyOption::Format(_) => {}
            CopyOption::Header(yes) => header = *yes,
            CopyOption::Delimiter(c) if c.is_ascii() => {
                (text.delimiter, csv.delimiter) = (c.to_string().into(), c.to_string().into());
            }
            CopyOption::Null(null) => (text.null_string, csv.null_string) = (null.into(), null.into()),
            CopyOption::Quote(c) if c.is_ascii() => csv.quote = c.to_string().into(),
            CopyOption::Escape('"') => {}
            other => return Err(unsupported(other)),
        }
    }
    for option in legacy {
        match option {
            CopyLegacyOption::Header => header = true,
            CopyLegacyOption::Delimiter(c) if c.is_ascii() => {
                (text.delimiter, csv.delimiter) = (c.to_string().into(), c.to_string().into());
            }
            CopyLegacyOption::Null(null) => (text.null_string, csv.null_string) = (null.into(), null.into()),
            CopyLegacyOption::Csv(all) => {
                for option in all {
                    match option {
                        CopyLegacyCsvOption::Header => header = true,
                        CopyLegacyCsvOption::Quote(c) if c.is_ascii() => csv.quote = c.to_string().into(),
                        CopyLegacyCsvOption::Escape('"') => {}
                        other => return Err(unsupported(other)),
                    }
                }
            }
            other => return Err(unsupported(other)),
        }
    }
    match name.as_str() {
        "text" => Ok(Form::Text(text)),
        "csv" => Ok(Form::Csv(csv, header)),
        _ => Err(Error::Parameter("the format of COPY is binary, text or csv".into())),
    }
}

fn unsupported(option: &dyn std::fmt::Display) -> Error {
    Error::Unsupported(format!("`{option}` is not supported in COPY"))
}

/// Batches as the stream of a copy.
pub(super) fn response(
    schema: &SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    form: Form,
) -> PgWireResult<CopyResponse> {
    let (format, code) = match form {
        Form::Binary => (Format::UnifiedBinary, 1),
        _ => (Format::UnifiedText, 0),
    };
    let fields = Arc::new(arrow_schema_to_pg_fields(schema, &format, None)?);
    let columns = fields.len();
    let head = head(&form, schema);
    let mut encoder = match form {
        Form::Binary => CopyEncoder::new_binary(fields.clone()),
        Form::Text(options) => CopyEncoder::new_text(fields.clone(), options),
        Form::Csv(options, _) => CopyEncoder::new_csv(fields.clone(), options),
    };
    let rows = batches.flat_map(move |batch| {
        let encoded = match batch {
            Ok(batch) => encode(&mut encoder, &batch, &fields),
            Err(error) => vec![Err(told(&error))],
        };
        stream::iter(encoded)
    });
    let head = stream::iter(head.map(|bytes| Ok(CopyData::new(bytes))));
    let data = head.chain(rows);
    let mut response = match code {
        // Drivers expect the header and what follows it in one message, as the encoder makes them for a first row.
        1 => CopyResponse::new(0, columns, ended(data)),
        _ => CopyResponse::new(0, columns, data),
    };
    response.format = code;
    Ok(response)
}

/// Binary data with its end; an answer without rows is a header and an end.
fn ended(
    data: impl Stream<Item = PgWireResult<CopyData>> + Send + 'static,
) -> impl Stream<Item = PgWireResult<CopyData>> + Send + 'static {
    stream::unfold(Some((Box::pin(data), false)), |state| async {
        let (mut data, has_rows) = state?;
        match data.next().await {
            Some(Err(error)) => Some((Err(error), None)),
            Some(row) => Some((row, Some((data, true)))),
            None if has_rows => Some((Ok(CopyEncoder::finish_copy_binary()), None)),
            None => Some((Ok(CopyData::new(Bytes::from([BINARY_HEADER, &[0xFF, 0xFF]].concat()))), None)),
        }
    })
}

fn head(form: &Form, schema: &SchemaRef) -> Option<Bytes> {
    match form {
        Form::Csv(options, true) => {
            let quoted = |name: &str| match name.contains([',', '"', '\n']) {
                true => format!("\"{}\"", name.replace('"', "\"\"")),
                false => name.to_owned(),
            };
            let names: Vec<String> = schema.fields().iter().map(|f| quoted(told_name(f.name()))).collect();
            Some(Bytes::from(names.join(options.delimiter.as_str()) + "\n"))
        }
        _ => None,
    }
}

fn encode(encoder: &mut CopyEncoder, batch: &RecordBatch, fields: &[FieldInfo]) -> Vec<PgWireResult<CopyData>> {
    let schema = batch.schema();
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        for (column, field) in fields.iter().enumerate() {
            if let Err(e) = encode_value(encoder, batch.column(column), row, schema.field(column), field) {
                rows.push(Err(e));
                return rows;
            }
        }
        rows.push(Ok(encoder.take_copy()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

    fn parsed(sql: &str) -> Result<Option<Copy>, Error> {
        of(&PostgresCompatibilityParser::new().parse(sql).expect(sql)[0])
    }

    #[test]
    fn forms_of_copy() {
        let form = |sql: &str| parsed(sql).expect(sql).expect(sql).form;
        assert_eq!(form("COPY (SELECT 1) TO STDOUT (FORMAT binary)"), Form::Binary);
        assert_eq!(form("COPY (SELECT 1) TO STDOUT WITH (FORMAT BINARY)"), Form::Binary);
        assert_eq!(form("COPY runs (run_id) TO STDOUT"), Form::Text(CopyTextOptions::default()));
        assert!(matches!(form("COPY runs TO STDOUT WITH (FORMAT csv, HEADER)"), Form::Csv(_, true)));
        assert_eq!(parsed("SELECT 1").expect("no copy"), None);
        // The syntax of before there were brackets.
        assert!(matches!(form("COPY runs TO STDOUT WITH CSV HEADER"), Form::Csv(_, true)));
        let Form::Csv(options, false) = form("COPY runs TO STDOUT DELIMITER ';' NULL '-' CSV QUOTE '|'") else {
            panic!("no CSV");
        };
        assert_eq!((&*options.delimiter, &*options.null_string, &*options.quote), (";", "-", "|"));
        let refused = parsed("COPY runs TO STDOUT CSV FORCE QUOTE state");
        assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
    }

    #[test]
    fn copy_only_goes_out() {
        for sql in ["COPY runs FROM STDIN", "COPY (SELECT 1) TO '/etc/passwd'", "COPY (SELECT 1) TO PROGRAM 'sh'"] {
            assert!(matches!(parsed(sql), Err(Error::ReadOnly(_))), "{sql}");
        }
    }
}
