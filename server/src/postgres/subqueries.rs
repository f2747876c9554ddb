//! What the compatibility parser would spoil, kept from it. In the place of subqueries in the list of a SELECT that name a
//! table of the query around them it puts NULL, and it cuts others after a row: right for questions to a catalogue whose
//! tables have no rows, and a wrong answer for any other. Arrays that are written as a text it splits at every comma.
//! `EXISTS` in such a list, which the engine does not compute there, becomes a count.

use super::rewrite::keeps_rows;
use super::{arrays, catalogue};
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Ident, Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins, UnaryOperator,
    Value, Visit, VisitMut as _, VisitorMut, visit_relations,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// The text with such subqueries in brackets of their own, which that parser does not look into, and with arrays in words
/// that it leaves alone. One that cannot be parsed stays as it is: that parser says what is wrong with it.
pub(super) fn kept(sql: &str) -> Cow<'_, str> {
    let has_subquery = sql.to_ascii_lowercase().matches("select").nth(1).is_some();
    if !has_subquery && !sql.contains('{') {
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
            // PostgreSQL names the column after what it is.
            if let SelectItem::UnnamedExpr(expr @ Expr::Exists { .. }) = item {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new("exists") };
            }
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            let mut counter = Counter { depth: 0, has_counted: false };
            let _ = expr.visit(&mut counter);
            self.has_kept |= counter.has_counted;
            if matches!(expr, Expr::Subquery(asked) if counts_nothing(asked)) {
                *expr = Expr::value(Value::Number("0".to_owned(), false));
                self.has_kept = true;
            } else if matches!(expr, Expr::Subquery(asked) if !asks_catalogue(asked)) {
                let asked = std::mem::replace(expr, Expr::value(Value::Null));
                *expr = Expr::Nested(Box::new(asked));
                self.has_kept = true;
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Cast { kind, expr: text, data_type: DataType::Array(_), .. }
                if *kind == CastKind::DoubleColon && is_text(text) =>
            {
                *kind = CastKind::Cast;
                self.has_kept = true;
            }
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } if is_text(right) => {
                if let Ok(read) = parsed(&format!("{}({right})", arrays::READ)) {
                    **right = read;
                    self.has_kept = true;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether a question counts the rows of a table that has none.
fn counts_nothing(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let ([SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }], [from]) =
        (select.projection.as_slice(), select.from.as_slice())
    else {
        return false;
    };
    let counts = matches!(item, Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("count"));
    counts && keeps_rows(select) && catalogue::has_no_rows(from)
}

/// Counts for `EXISTS` in an expression, not in the queries within it: those have lists of their own, and conditions, in
/// which the engine knows `EXISTS`.
struct Counter {
    depth: usize,
    has_counted: bool,
}

impl VisitorMut for Counter {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Some(counted) = counted(expr)
        {
            *expr = counted;
            self.has_counted = true;
        }
        ControlFlow::Continue(())
    }
}

/// `EXISTS (query)` as whether the query has more than no rows.
fn counted(expr: &Expr) -> Option<Expr> {
    let Expr::Exists { subquery, negated } = expr else { return None };
    let Ok(Expr::Subquery(mut counting)) = parsed("(SELECT count(*) > 0 FROM (SELECT 1) AS asked)") else {
        return None;
    };
    let SetExpr::Select(count) = counting.body.as_mut() else { return None };
    match subquery.body.as_ref() {
        SetExpr::Select(asked) if subquery.order_by.is_none() && is_plain(subquery, asked) => {
            let projection = std::mem::take(&mut count.projection);
            **count = Select { projection, ..(**asked).clone() };
            counting.with = subquery.with.clone();
        }
        _ => {
            let [TableWithJoins { relation: TableFactor::Derived { subquery: place, .. }, .. }] =
                count.from.as_mut_slice()
            else {
                return None;
            };
            *place = subquery.clone();
        }
    }
    let found = Expr::Nested(Box::new(Expr::Subquery(counting)));
    Some(match negated {
        true => Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) })),
        false => found,
    })
}

/// Whether a query has a row for each that it chooses, whatever it says of them: only then its list may be another.
fn is_plain(query: &Query, select: &Select) -> bool {
    let says_little = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            matches!(expr, Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        }
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => true,
        _ => false,
    };
    let is_cut = query.limit_clause.is_some() || query.fetch.is_some();
    !is_cut && keeps_rows(select) && select.projection.iter().all(says_little)
}

fn parsed(text: &str) -> Result<Expr, ParserError> {
    Parser::new(&PostgreSqlDialect {}).try_with_sql(text)?.parse_expr()
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(held) if matches!(held.value, Value::SingleQuotedString(_)))
}

/// Whether a table of the catalogue is asked.
pub(super) fn asks_catalogue(asked: &impl Visit) -> bool {
    let named = visit_relations(asked, |name| {
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
            (
                "SELECT EXISTS (SELECT 1 FROM s WHERE s.a = r.a) FROM r",
                "SELECT ((SELECT count(*) > 0 FROM s WHERE s.a = r.a)) AS exists FROM r",
            ),
            (
                "SELECT NOT EXISTS (SELECT max(a) FROM s) AS b",
                "SELECT (NOT ((SELECT count(*) > 0 FROM (SELECT max(a) FROM s) AS asked))) AS b",
            ),
            (
                "SELECT CASE WHEN EXISTS (SELECT * FROM s LIMIT 0) THEN 1 END",
                "SELECT CASE WHEN ((SELECT count(*) > 0 FROM (SELECT * FROM s LIMIT 0) AS asked)) THEN 1 END",
            ),
            (
                "SELECT (SELECT count(*) FROM pg_inherits WHERE inhrelid = c.oid LIMIT 1) AS heirs FROM pg_class AS c",
                "SELECT 0 AS heirs FROM pg_class AS c",
            ),
            ("SELECT '{\"a,b\"}'::TEXT[]", "SELECT CAST('{\"a,b\"}' AS TEXT[])"),
            ("SELECT a = ANY('{a,b}') FROM r", "SELECT a = ANY(array_in('{a,b}')) FROM r"),
        ] {
            assert_eq!(kept(sql), expected);
        }
        for same in [
            "SELECT '{a}'::TEXT, a = ANY(ARRAY['{']) FROM r",
            "SELECT a FROM r WHERE a IN (SELECT b FROM s)",
            "SELECT a FROM r WHERE EXISTS (SELECT b FROM s WHERE s.a = r.a)",
            "SELECT a, (SELECT adbin FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = c.oid) FROM pg_class AS c",
            "SELEC a, (SELECT 1) FROM r",
        ] {
            assert_eq!(kept(same), same);
        }
    }
}
