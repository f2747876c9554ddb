//! Statements that are prepared in SQL: `PREPARE`, `EXECUTE`, `DEALLOCATE`. What is executed is the statement with its
//! values in it, planned and checked like any other.

use crate::Error;
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Statement, Value, VisitMut as _, VisitorMut, visit_expressions,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Statements that a connection has prepared at once.
const MOST: usize = 1000;

/// The statements of a connection by their names.
#[derive(Debug, Default)]
pub(super) struct Named(BTreeMap<String, Held>);

#[derive(Debug, Clone)]
struct Held {
    types: Vec<DataType>,
    statement: Statement,
    /// How many values it takes.
    count: usize,
}

impl Named {
    /// Keeps a statement, which was planned, and its declared types.
    pub fn keep(&mut self, name: &str, types: &[DataType], statement: &Statement) -> Result<(), Error> {
        let name = name.to_ascii_lowercase();
        if self.0.contains_key(&name) {
            let text = format!("there is a prepared statement `{name}` already; DEALLOCATE it, or take another name");
            return Err(Error::Parameter(text));
        }
        if self.0.len() >= MOST {
            let text = format!("the connection has {MOST} prepared statements, which is the limit; DEALLOCATE some");
            return Err(Error::Parameter(text));
        }
        let held =
            Held { types: types.to_vec(), statement: statement.clone(), count: places(statement).max(types.len()) };
        self.0.insert(name, held);
        Ok(())
    }

    /// Forgets a statement, or all.
    pub fn forget(&mut self, name: &str) -> Result<(), Error> {
        if name.eq_ignore_ascii_case("all") {
            self.0.clear();
            return Ok(());
        }
        self.0.remove(&name.to_ascii_lowercase()).map(|_| ()).ok_or_else(|| unknown(name))
    }

    /// The statement that an `EXECUTE` stands for; `None` for any other statement.
    pub fn executed(&self, statement: &Statement) -> Result<Option<Statement>, Error> {
        let Statement::Execute { name: Some(name), parameters, using, .. } = statement else { return Ok(None) };
        let name = name.to_string().replace('"', "").to_ascii_lowercase();
        let held = self.0.get(&name).ok_or_else(|| unknown(&name))?;
        if parameters.len() != held.count || !using.is_empty() {
            let (takes, given) = (held.count, parameters.len());
            return Err(Error::Parameter(format!("`{name}` takes {takes} values, and {given} are given")));
        }
        let mut values = Values { parameters, types: &held.types };
        let mut statement = held.statement.clone();
        let _ = statement.visit(&mut values);
        Ok(Some(statement))
    }
}

fn unknown(name: &str) -> Error {
    Error::Unknown(format!("there is no prepared statement `{name}` on this connection"))
}

/// The highest number of a placeholder.
fn places(statement: &Statement) -> usize {
    let mut most = 0;
    let _ = visit_expressions(statement, |expr| {
        most = most.max(number(expr).unwrap_or_default());
        ControlFlow::<()>::Continue(())
    });
    most
}

/// The number of a placeholder, as 1 for `$1`.
fn number(expr: &Expr) -> Option<usize> {
    let Expr::Value(held) = expr else { return None };
    let Value::Placeholder(name) = &held.value else { return None };
    name.strip_prefix('$')?.parse().ok()
}

/// Puts values for placeholders, as their declared types.
struct Values<'a> {
    parameters: &'a [Expr],
    types: &'a [DataType],
}

impl VisitorMut for Values<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Some(at) = number(expr).and_then(|number| number.checked_sub(1)) else { return ControlFlow::Continue(()) };
        if let Some(value) = self.parameters.get(at) {
            let value = Box::new(value.clone());
            *expr = match self.types.get(at) {
                Some(data_type) => Expr::Cast {
                    kind: CastKind::Cast,
                    expr: value,
                    data_type: data_type.clone(),
                    array: false,
                    format: None,
                },
                None => Expr::Nested(value),
            };
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn parsed(sql: &str) -> Statement {
        Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql).remove(0)
    }

    fn prepared(sql: &str) -> Result<Named, Error> {
        let Statement::Prepare { name, data_types, statement } = parsed(sql) else { panic!("no PREPARE: {sql}") };
        let mut named = Named::default();
        named.keep(&name.value, &data_types, &statement)?;
        Ok(named)
    }

    #[test]
    fn values_take_their_places() {
        for (prepare, execute, expected) in [
            ("PREPARE p AS SELECT $1 + $2 * $1", "EXECUTE p(1 + 1, 3)", "SELECT (1 + 1) + (3) * (1 + 1)"),
            (
                "PREPARE p (INT, TEXT) AS SELECT $1, $2",
                "EXECUTE p('4', 'it''s')",
                "SELECT CAST('4' AS INT), CAST('it''s' AS TEXT)",
            ),
            ("PREPARE p AS SELECT * FROM upstream($1)", "EXECUTE p('x')", "SELECT * FROM upstream(('x'))"),
            ("PREPARE p AS SELECT 1", "EXECUTE p", "SELECT 1"),
        ] {
            let named = prepared(prepare).expect("kept");
            let executed = named.executed(&parsed(execute)).expect(execute).expect("an EXECUTE");
            assert_eq!(executed.to_string(), expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut named = prepared("PREPARE p AS SELECT $2").expect("kept");
        for wrong in ["EXECUTE p", "EXECUTE p(1)", "EXECUTE p(1, 2, 3)", "EXECUTE q(1, 2)"] {
            assert!(named.executed(&parsed(wrong)).is_err(), "{wrong}");
        }
        assert!(named.executed(&parsed("SELECT 1")).expect("no matter").is_none());
        assert!(named.keep("p", &[], &parsed("SELECT 1")).is_err(), "the name is taken");
        assert!(named.forget("q").is_err());
        named.forget("p").expect("forgotten");
        assert!(named.executed(&parsed("EXECUTE p(1, 2)")).is_err());
        for at in 0..MOST {
            named.keep(&at.to_string(), &[], &parsed("SELECT 1")).expect("kept");
        }
        assert!(named.keep("more", &[], &parsed("SELECT 1")).is_err());
        named.forget("ALL").expect("all");
        named.keep("more", &[], &parsed("SELECT 1")).expect("there is room again");
    }
}
