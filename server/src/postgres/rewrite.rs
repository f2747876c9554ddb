//! What clients of PostgreSQL write and the engine does not know, put into words that it does: `ARRAY(SELECT ...)`, and
//! which tables a name without a schema finds. Nothing else is changed.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, Query, Select, SelectItem, SetExpr, Statement, TableFactor, VisitMut as _, VisitorMut,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// The tables of the schemas in which names without one are looked for.
const VISIBLE: &str = "oid IN (SELECT seen.oid FROM pg_catalog.pg_class AS seen JOIN pg_catalog.pg_namespace AS found \
                       ON found.oid = seen.relnamespace WHERE found.nspname IN ('public', 'pg_catalog'))";
/// A table of which this server never has a row.
const POLICIES: &str = "pg_policy";

/// Rewrites a statement.
pub(super) fn rewrite(statement: &mut Statement) {
    // The walk never breaks off.
    let _ = statement.visit(&mut Rewriter);
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // Where rows are chosen, a query within may stand; elsewhere the engine's own answer holds: all are visible.
        if let Some(condition) = &mut select.selection {
            let _ = visit_expressions_mut(condition, |expr| {
                if let Some(visible) = visible(expr) {
                    *expr = visible;
                }
                ControlFlow::<()>::Continue(())
            });
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some(other) = array_of(expr).or_else(|| grants(expr)) {
            *expr = other;
        }
        ControlFlow::Continue(())
    }
}

/// `pg_table_is_visible(OID)` as a question to the catalogue.
fn visible(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    if last(&call.name.to_string()) != "pg_table_is_visible" {
        return None;
    }
    let FunctionArguments::List(list) = &call.args else { return None };
    let [oid] = list.args.as_slice() else { return None };
    let oid = parsed(&oid.to_string())?;
    match parsed(VISIBLE)? {
        Expr::InSubquery { subquery, negated, .. } => Some(Expr::InSubquery { expr: Box::new(oid), subquery, negated }),
        _ => None,
    }
}

/// `ARRAY(SELECT ...)` as an aggregate; NULL over what has no rows here.
fn array_of(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let FunctionArguments::Subquery(query) = &call.args else { return None };
    if last(&call.name.to_string()) != "array" || query.limit_clause.is_some() {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    if is_empty(select) {
        return parsed("CAST(NULL AS TEXT[])");
    }
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] = select.projection.as_slice()
    else {
        return None;
    };
    // `ORDER BY 1` is by the only column; any other order would be one of its own.
    let order = if query.order_by.is_some() { format!(" ORDER BY {item}") } else { String::new() };
    let gathered = SelectItem::UnnamedExpr(parsed(&format!("array_agg({item}{order})"))?);
    let select = Select { projection: vec![gathered], ..(**select).clone() };
    let body = Box::new(SetExpr::Select(Box::new(select)));
    Some(Expr::Subquery(Box::new(Query { body, order_by: None, ..(**query).clone() })))
}

/// `array_to_string` of a list of grants, which are not told: the catalogue has them as texts, always NULL.
fn grants(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let FunctionArguments::List(list) = &call.args else { return None };
    let first = last(&list.args.first()?.to_string());
    let is_of_grants = last(&call.name.to_string()) == "array_to_string" && first.ends_with("acl");
    is_of_grants.then(|| parsed("CAST(NULL AS TEXT)"))?
}

/// Whether a query reads options of tables, of which there are none, or rules on rows, which are not told.
fn is_empty(select: &Select) -> bool {
    select.from.iter().any(|from| match &from.relation {
        TableFactor::Table { name, args, .. } => {
            let name = name.to_string();
            last(&name) == POLICIES || (args.is_some() && last(&name) == "unnest")
        }
        TableFactor::UNNEST { .. } | TableFactor::Function { .. } => true,
        _ => false,
    })
}

/// A name without its schema, in lower case.
fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

fn parsed(text: &str) -> Option<Expr> {
    Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?.parse_expr().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(sql: &str) -> String {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql).remove(0);
        rewrite(&mut statement);
        statement.to_string()
    }

    #[test]
    fn what_is_visible() {
        let sql =
            rewritten("SELECT 1 FROM pg_class AS c WHERE c.relkind = 'r' AND pg_catalog.pg_table_is_visible(c.oid)");
        assert!(sql.contains("AND c.oid IN (SELECT seen.oid FROM pg_catalog.pg_class AS seen"), "{sql}");
        assert!(!sql.contains("pg_table_is_visible"), "{sql}");
    }

    #[test]
    fn arrays_of_queries() {
        for (sql, expected) in [
            (
                "SELECT ARRAY(SELECT b.a FROM b WHERE b.c = d.e) FROM d",
                "(SELECT array_agg(b.a) FROM b WHERE b.c = d.e)",
            ),
            ("SELECT array(SELECT a FROM b ORDER BY 1)", "(SELECT array_agg(a ORDER BY a) FROM b)"),
            ("SELECT array(SELECT 't.' || x FROM pg_catalog.unnest(t.o) x) FROM t", "CAST(NULL AS TEXT[])"),
            ("SELECT array(SELECT a FROM pg_catalog.pg_policy)", "CAST(NULL AS TEXT[])"),
            ("SELECT pg_catalog.array_to_string(n.nspacl, E'\\n') FROM n", "SELECT CAST(NULL AS TEXT) FROM n"),
        ] {
            let text = rewritten(sql);
            assert!(text.contains(expected), "{sql}: {text}");
        }
        for same in ["SELECT ARRAY[1, 2]", "SELECT (SELECT a FROM b)", "SELECT a FROM b WHERE c IN (SELECT d FROM e)"] {
            assert_eq!(rewritten(same), same);
        }
    }
}
