//! Subqueries in the list of a SELECT, kept as they are written. The compatibility parser puts NULL in the place of
//! those that name a table of the query around them, and cuts others after a row: right for questions to a catalogue
//! whose tables have no rows, and a wrong answer for any other.

use datafusion::sql::sqlparser::ast::{
    Expr, Query, SelectItem, SetExpr, Value, VisitMut as _, VisitorMut, visit_relations,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// The text with such subqueries in brackets of their own, which that parser does not look into. One that cannot be
/// parsed stays as it is: that parser says what is wrong with it.
pub(super) fn kept(sql: &str) -> Cow<'_, str> {
    if sql.to_ascii_lowercase().matches("select").nth(1).is_none() {
        return Cow::Borrowed(sql);
    }
    let Ok(mut statements) = Parser::parse_sql(&PostgreSqlDialect {}, sql) else { return Cow::Borrowed(sql) };
    let mut keeper = Keeper { has_kept: false };
    for statement in &mut statements {
        let _ = statement.visit(&mut keeper);
    }
    if !keeper.has_kept {
        return Cow::Borrowed(sql);
    }
    Cow::Owned(statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

struct Keeper {
    has_kept: bool,
}

impl VisitorMut for Keeper {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let SetExpr::Select(select) = query.body.as_mut() else { return ControlFlow::Continue(()) };
        for item in &mut select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            if matches!(expr, Expr::Subquery(asked) if !asks_catalogue(asked)) {
                let asked = std::mem::replace(expr, Expr::value(Value::Null));
                *expr = Expr::Nested(Box::new(asked));
                self.has_kept = true;
            }
        }
        ControlFlow::Continue(())
    }
}

fn asks_catalogue(query: &Query) -> bool {
    let named = visit_relations(query, |name| {
        let last = name.0.last().and_then(|part| part.as_ident());
        match last.is_some_and(|last| last.value.to_ascii_lowercase().starts_with("pg_")) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    named.is_break()
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn subqueries_of_our_tables_are_kept() {
        for (sql, expected) in [
            (
                "SELECT a, (SELECT count(*) FROM s WHERE s.a = r.a) FROM r; SELECT 1",
                "SELECT a, ((SELECT count(*) FROM s WHERE s.a = r.a)) FROM r; SELECT 1",
            ),
            ("SELECT (SELECT r.a) AS b FROM r", "SELECT ((SELECT r.a)) AS b FROM r"),
            (
                "COPY (SELECT (SELECT 1) FROM r WHERE a = $1) TO STDOUT",
                "COPY (SELECT ((SELECT 1)) FROM r WHERE a = $1) TO STDOUT",
            ),
        ] {
            assert_eq!(kept(sql), expected);
        }
        for same in [
            "SELECT a FROM r WHERE a IN (SELECT b FROM s)",
            "SELECT a, (SELECT adbin FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = c.oid) FROM pg_class AS c",
            "SELEC a, (SELECT 1) FROM r",
        ] {
            assert_eq!(kept(same), same);
        }
    }
}
