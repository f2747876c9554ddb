//! Arrays as PostgreSQL writes them, `{a,"b c",NULL}`: in literals, in values of parameters, and in texts that are cast.
//! The engine takes such a text for the only element of an array, which is a wrong answer that nobody notices.

use super::handlers::Prepared;
use crate::Error;
use crate::parameters::Parameters;
use arrow::array::{ArrayRef, AsArray as _, ListBuilder, StringBuilder};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, TimeUnit};
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ParamValues, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{ColumnarValue, ExprSchemable as _, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::{Expr, SessionContext};
use pgwire::api::Type;
use pgwire::api::portal::Portal;
use pgwire::api::stmt::StoredStatement;
use std::sync::Arc;

/// The function that reads such a text; PostgreSQL's own is named so too.
pub(super) const READ: &str = "array_in";
/// What `= ANY` is to the engine.
const HAS: &str = "array_has";

/// Teaches a context to read arrays where a text is cast to one, or looked into with `= ANY`.
pub(crate) fn add(context: &SessionContext) -> Result<()> {
    let read = Arc::new(read());
    context.register_udf(read.as_ref().clone());
    context.state_ref().write().register_function_rewrite(Arc::new(TextsAsArrays(read)))
}

/// The elements of an array of one dimension; `None` for what is no such array.
pub(super) fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    let mut rest = inside.trim_start();
    if rest.is_empty() {
        return Some(elements);
    }
    loop {
        let (element, behind) = element(rest)?;
        elements.push(element);
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None => return behind.is_empty().then_some(elements),
        };
    }
}

/// The first element, and what stands behind it: nothing, or a comma and more.
fn element(text: &str) -> Option<(Option<String>, &str)> {
    let is_quoted = text.starts_with('"');
    let mut value = String::new();
    let mut kept = 0;
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    let end = loop {
        match characters.next() {
            Some((_, '\\')) => {
                value.push(characters.next()?.1);
                kept = value.len();
            }
            Some((at, '"')) if is_quoted => break at + 1,
            Some((_, '"' | '{' | '}')) if !is_quoted => return None,
            Some((at, ',')) if !is_quoted => break at,
            Some((_, c)) => value.push(c),
            None if is_quoted => return None,
            None => break text.len(),
        }
    };
    let behind = text.get(end..)?.trim_start();
    if is_quoted {
        return Some((Some(value), behind));
    }
    // Blanks around an element are not of it, but for those that a backslash keeps.
    let length = value.trim_end().len().max(kept);
    value.truncate(length);
    let is_null = kept == 0 && value.eq_ignore_ascii_case("null");
    (!value.is_empty()).then_some(((!is_null).then_some(value), behind))
}

/// The values that a client bound. Arrays that come as text are read here, since an empty text and the word `NULL` in
/// quotes are no nulls.
pub(super) fn values(
    portal: &Portal<Prepared>,
    parameters: &Parameters,
) -> Result<ParamValues, pgwire::error::PgWireError> {
    let engine: Vec<Option<&DataType>> = parameters.engine.iter().map(Option::as_ref).collect();
    let wire: Vec<Option<&Type>> = parameters.wire.iter().map(Some).collect();
    let read = |at: usize, bytes: &[u8]| {
        let said = portal.statement.parameter_types.get(at).and_then(Option::as_ref);
        // What the statement does with it goes before what the client says, which may be no more than a text.
        let element = match parameters.engine.get(at) {
            Some(Some(DataType::List(field))) => field.data_type().clone(),
            _ => element_type(said.or(parameters.wire.get(at))?)?,
        };
        Some(list(bytes, &element))
    };
    let mut parameter_types = portal.statement.parameter_types.clone();
    parameter_types.resize(portal.parameters.len(), None);
    let mut others = portal.parameters.clone();
    let mut lists = Vec::new();
    for ((at, parameter), kind) in others.iter_mut().enumerate().zip(&mut parameter_types) {
        let found = match parameter {
            Some(bytes) if portal.parameter_format.is_text(at) => read(at, bytes),
            _ => None,
        };
        if let Some(found) = found {
            lists.push((at, found.map_err(|e| super::told(&e))?));
            // In its place comes a text without a value, which is read whatever the type was.
            (*parameter, *kind) = (None, Some(Type::TEXT));
        }
    }
    let statement = StoredStatement::new(String::new(), portal.statement.statement.clone(), parameter_types);
    let mut rest = Portal::new_cursor(String::new(), Arc::new(statement));
    rest.parameter_format = portal.parameter_format.clone();
    rest.parameters = others;
    let others = arrow_pg::datatypes::df::deserialize_parameters_with_server_types(&rest, &engine, &wire)?;
    let ParamValues::List(mut values) = others else { return Ok(others) };
    for (at, list) in lists {
        if let Some(value) = values.get_mut(at) {
            *value = list.into();
        }
    }
    Ok(ParamValues::List(values))
}

/// The elements' type of an array that is read here.
fn element_type(kind: &Type) -> Option<DataType> {
    Some(match *kind {
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY | Type::NAME_ARRAY | Type::UUID_ARRAY => {
            DataType::Utf8
        }
        Type::BOOL_ARRAY => DataType::Boolean,
        Type::INT2_ARRAY => DataType::Int16,
        Type::INT4_ARRAY | Type::OID_ARRAY => DataType::Int32,
        Type::INT8_ARRAY => DataType::Int64,
        Type::FLOAT4_ARRAY => DataType::Float32,
        Type::FLOAT8_ARRAY => DataType::Float64,
        Type::DATE_ARRAY => DataType::Date32,
        Type::TIMESTAMP_ARRAY => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ_ARRAY => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => return None,
    })
}

fn list(bytes: &[u8], element: &DataType) -> Result<ScalarValue, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    let read = array(std::iter::once(Some(text)))?;
    let kind = DataType::List(Arc::new(Field::new_list_field(element.clone(), true)));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(ScalarValue::try_from_array(&cast_with_options(&read, &kind, &strict)?, 0)?)
}

fn array<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef, ArrowError> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts {
        match text {
            Some(text) => lists.append_value(elements(text).ok_or_else(malformed)?),
            None => lists.append_null(),
        }
    }
    Ok(Arc::new(lists.finish()))
}

/// Told in the words of a cast that fails, without the text.
fn malformed() -> ArrowError {
    ArrowError::CastError("a text is no array of one dimension as `{a,b}`".to_owned())
}

fn read() -> ScalarUDF {
    create_udf(
        READ,
        vec![DataType::Utf8],
        texts(),
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            let columns = ColumnarValue::values_to_arrays(args)?;
            let column = cast(&columns[0], &DataType::Utf8)?;
            Ok(ColumnarValue::Array(array(column.as_string::<i32>().iter())?))
        }),
    )
}

fn texts() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
}

/// Reads texts where they are cast to an array. In `x = ANY(text)` it is one of the type of `x`.
#[derive(Debug)]
struct TextsAsArrays(Arc<ScalarUDF>);

impl TextsAsArrays {
    fn read(&self, text: Expr) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(self.0.clone(), vec![text]))
    }
}

impl FunctionRewrite for TextsAsArrays {
    fn name(&self) -> &str {
        "texts_as_arrays"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let is_text = |expr: &Expr| expr.get_type(schema).is_ok_and(|kind| kind.is_string());
        Ok(match expr {
            Expr::Cast(mut cast) if cast.field.data_type().is_list() && is_text(&cast.expr) => {
                *cast.expr = self.read(*cast.expr);
                Transformed::yes(Expr::Cast(cast))
            }
            Expr::TryCast(mut cast) if cast.field.data_type().is_list() && is_text(&cast.expr) => {
                *cast.expr = self.read(*cast.expr);
                Transformed::yes(Expr::TryCast(cast))
            }
            Expr::ScalarFunction(mut call) if call.func.name() == HAS => {
                let [list, element] = call.args.as_mut_slice() else {
                    return Ok(Transformed::no(Expr::ScalarFunction(call)));
                };
                let read = match &*list {
                    Expr::ScalarFunction(read) if read.func.name() == READ => Some(list.clone()),
                    text if is_text(text) => Some(self.read(text.clone())),
                    _ => None,
                };
                let (Some(read), Ok(kind)) = (read, element.get_type(schema)) else {
                    return Ok(Transformed::no(Expr::ScalarFunction(call)));
                };
                *list = datafusion::prelude::cast(read, DataType::List(Arc::new(Field::new_list_field(kind, true))));
                Transformed::yes(Expr::ScalarFunction(call))
            }
            other => Transformed::no(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn arrays_are_read_as_postgresql_does() {
        for (text, expected) in [
            ("{}", vec![]),
            (" { } ", vec![]),
            ("{a,b}", vec![Some("a"), Some("b")]),
            ("{ a b , c }", vec![Some("a b"), Some("c")]),
            ("{\"a,b\", \"\", \"NULL\"}", vec![Some("a,b"), Some(""), Some("NULL")]),
            ("{null,NULL,nul}", vec![None, None, Some("nul")]),
            (
                r#"{"a\"b","c\\d",e\,f,g\ ,\null}"#,
                vec![Some("a\"b"), Some("c\\d"), Some("e,f"), Some("g "), Some("null")],
            ),
            ("{\"é{}\",1}", vec![Some("é{}"), Some("1")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|e| e.map(str::to_owned)).collect();
            assert_eq!(elements(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "a",
            "{",
            "{a",
            "a}",
            "{a,}",
            "{,a}",
            "{{a},{b}}",
            "{\"a}",
            "{\"a\"b}",
            "{a\"b\"}",
            "{a\\}",
            "[1:1]={a}",
        ] {
            assert_eq!(elements(wrong), None, "{wrong}");
        }
    }
}
