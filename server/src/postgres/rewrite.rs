//! What clients of PostgreSQL write and the engine does not know, put into words that it does: `ARRAY(SELECT ...)`, and
//! which tables a name without a schema finds, who asks by other names, whether a table's row type is one, and what a
//! view selects; names of types and functions in casts, texts that are split into rows, a list of each row in `FROM`, and
//! how columns are called that nobody called anything. Nothing else is changed.

use super::catalogue;
use super::subqueries::asks_catalogue;
use crate::pg_catalog::{STATISTICS, lists};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Join, JoinOperator,
    ObjectName, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins,
    VisitMut as _, VisitorMut, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::collections::HashSet;
use std::ops::ControlFlow;

/// The tables of the schemas in which names without one are looked for.
const VISIBLE: &str = "oid IN (SELECT seen.oid FROM pg_catalog.pg_class AS seen JOIN pg_catalog.pg_namespace AS found \
                       ON found.oid = seen.relnamespace WHERE found.nspname IN ('public', 'pg_catalog'))";
/// What the view with a number selects; the number comes behind it.
const VIEW: &str = "(SELECT max(said.definition) FROM pg_catalog.pg_class AS seen \
                    JOIN pg_catalog.pg_namespace AS found ON found.oid = seen.relnamespace \
                    JOIN information_schema.views AS said ON said.table_schema = found.nspname \
                    AND said.table_name = seen.relname WHERE seen.oid = ";
/// Columns of options and of what starts something, of which there are none.
const OPTIONS: [&str; 2] = ["reloptions", "evttags"];
/// Columns of the catalogue that name functions: numbers to PostgreSQL, which shows their names, and names here.
pub(super) const FUNCTIONS: [&str; 14] = [
    "aggfnoid",
    "typinput",
    "typoutput",
    "typreceive",
    "typsend",
    "typmodin",
    "typmodout",
    "typanalyze",
    "typsubscript",
    "oprcode",
    "oprrest",
    "oprjoin",
    "amhandler",
    "prosupport",
];
/// What stands between the parts of a text that is split, for as long as it takes.
const BETWEEN: &str = "\u{1f}\u{1e}\u{1f}";
/// Stands behind the name of a column that stands in a list again, before its place; nobody calls a column so.
const AGAIN: &str = "\u{1f}";
/// How columns of grants end, which are not told.
const GRANTS: &str = "acl";

/// Rewrites a statement.
pub(super) fn rewrite(statement: &mut Statement) {
    // The walk never breaks off.
    let asks_catalogue = asks_catalogue(statement);
    let _ = statement.visit(&mut Rewriter { asks_catalogue });
}

struct Rewriter {
    /// Whether a table of the catalogue is asked anywhere in the statement.
    asks_catalogue: bool,
}

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
        select.from.iter_mut().for_each(lists_of_rows);
        if self.asks_catalogue {
            select.projection.iter_mut().for_each(catalogue::named);
        }
        tell_apart(&mut select.projection);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for named in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            if named.alias.columns.is_empty() {
                call_by_name(&mut named.query);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Derived { subquery, alias: Some(alias), .. } if alias.columns.is_empty() => {
                call_by_name(subquery);
            }
            TableFactor::Table { name, args: None, .. } if name.to_string() == STATISTICS => {
                *name = ObjectName::from(vec![Ident::new("pg_catalog"), Ident::new(STATISTICS)]);
            }
            _ => {}
        }
        catalogue::table(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        catalogue::mark_set(expr, true);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        catalogue::mark_set(expr, false);
        let rules = [array_of, grants, asker, viewed, named, split];
        if let Some(other) = rules.iter().find_map(|rule| rule(expr)) {
            *expr = other;
        }
        if let Some(other) = catalogue::expression(expr, self.asks_catalogue) {
            *expr = other;
        }
        if let Expr::Subquery(query) = expr {
            of_one_row(query);
            catalogue::of_one_row(query);
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

/// `pg_get_viewdef(OID)` and `pg_get_viewdef(OID, PRETTY)` as a question to the catalogue. By name it is asked as
/// `'name'::regclass`, which is a number when it comes here.
fn viewed(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    if last(&call.name.to_string()) != "pg_get_viewdef" {
        return None;
    }
    let FunctionArguments::List(list) = &call.args else { return None };
    let ([oid] | [oid, _]) = list.args.as_slice() else { return None };
    parsed(&format!("{VIEW}{oid})"))
}

/// A number cast to the type of which it is the number of a thing, where the name of that is wanted: `oid::regtype::text`,
/// `list::regtype[]`, and `column::regproc` of a column that has names here.
fn named(expr: &Expr) -> Option<Expr> {
    let Expr::Cast { expr: of, data_type, .. } = expr else { return None };
    match (kind(data_type).as_str(), of.as_ref()) {
        ("text" | "varchar" | "name", Expr::Cast { expr: of, data_type, .. }) if kind(data_type) == "regtype" => {
            parsed(&format!("{}({of})", lists::NAME))
        }
        (_, Expr::Value(_) | Expr::Array(_)) => None,
        ("regtype[]", of) => parsed(&format!("{}({of})", lists::NAMES)),
        ("regproc" | "regprocedure", of) => FUNCTIONS.contains(&last(&of.to_string()).as_str()).then(|| of.clone()),
        _ => None,
    }
}

/// The name of a type, in lower case and without its schema.
fn kind(data_type: &DataType) -> String {
    let name = data_type.to_string().to_ascii_lowercase();
    name.strip_prefix("pg_catalog.").unwrap_or(&name).to_owned()
}

/// `regexp_split_to_table` and `regexp_split_to_array`.
fn split(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let name = last(&call.name.to_string());
    let FunctionArguments::List(list) = &call.args else { return None };
    let (text, pattern, flags) = match list.args.as_slice() {
        [text, pattern] => (text, pattern, "g".to_owned()),
        [text, pattern, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(flags)))] => {
            (text, pattern, format!("g{}", flags.value.clone().into_string()?.replace('\'', "")))
        }
        _ => return None,
    };
    let list = format!("string_to_array(regexp_replace({text}, {pattern}, '{BETWEEN}', '{flags}'), '{BETWEEN}')");
    match name.as_str() {
        "regexp_split_to_array" => parsed(&list),
        "regexp_split_to_table" => parsed(&format!("unnest({list})")),
        _ => None,
    }
}

/// `FROM t CROSS JOIN UNNEST(list) AS item`, a row for each element of a list of the row before it.
fn lists_of_rows(from: &mut TableWithJoins) {
    let TableFactor::Table { name, alias, args: None, .. } = &from.relation else { return };
    let alias = alias.as_ref().map_or_else(|| last(&name.to_string()), |alias| alias.name.to_string());
    let Some((list, item)) = from.joins.first().and_then(|join| list_of_row(join, &alias)) else { return };
    let text = format!("SELECT 1 FROM (SELECT *, unnest({list}) AS {item} FROM {name}) AS {alias}");
    let Ok(mut parser) = Parser::new(&PostgreSqlDialect {}).try_with_sql(&text) else { return };
    let Ok(query) = parser.parse_query() else { return };
    if let SetExpr::Select(select) = *query.body
        && let Some(whole) = select.from.into_iter().next()
    {
        from.relation = whole.relation;
        from.joins.remove(0);
    }
}

/// The column and the name of such a join with a table.
fn list_of_row(join: &Join, table: &str) -> Option<(String, String)> {
    let JoinOperator::CrossJoin(_) = &join.join_operator else { return None };
    let (list, alias) = match &join.relation {
        TableFactor::UNNEST { array_exprs, alias, with_offset: false, with_ordinality: false, .. } => {
            let [list] = array_exprs.as_slice() else { return None };
            (list.clone(), alias.as_ref()?)
        }
        TableFactor::Table { name, args: Some(given), alias, .. } if last(&name.to_string()) == "unnest" => {
            let [FunctionArg::Unnamed(FunctionArgExpr::Expr(list))] = given.args.as_slice() else { return None };
            (list.clone(), alias.as_ref()?)
        }
        _ => return None,
    };
    let column = match list {
        Expr::Identifier(column) => column,
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [of, column] if of.to_string() == table => column.clone(),
            _ => return None,
        },
        _ => return None,
    };
    alias.columns.is_empty().then(|| (column.to_string(), alias.name.to_string()))
}

/// Columns of a query within another that are called what their function is: `count` and not `count(*)`.
fn call_by_name(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let called = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Function(call)) => Some(last(&call.name.to_string())),
        SelectItem::UnnamedExpr(other) => Some(last(&other.to_string())),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_ascii_lowercase()),
        _ => None,
    };
    let names: Vec<String> = select.projection.iter().filter_map(called).collect();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr @ Expr::Function(_)) = item
            && let Expr::Function(call) = &expr
        {
            let name = last(&call.name.to_string());
            // Two of one name cannot be told apart, and stay what the engine calls them.
            if names.iter().filter(|other| **other == name).count() == 1 {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new(name) };
            }
        }
    }
}

/// What stands twice in a list of columns, which the engine does not take under one name.
fn tell_apart(projection: &mut [SelectItem]) {
    let mut seen: HashSet<String> = HashSet::new();
    for (place, item) in projection.iter_mut().enumerate() {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        if !seen.insert(expr.to_string()) {
            let alias = Ident::with_quote('"', format!("{}{AGAIN}{place}", column_name(expr)));
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
}

/// What PostgreSQL calls a column that nobody called anything.
fn column_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => last(&expr.to_string()).replace('"', ""),
        Expr::Function(call) => last(&call.name.to_string()),
        _ => "?column?".to_owned(),
    }
}

/// The name of a column as clients are told it: one that stands there again has the same.
pub(super) fn told_name(name: &str) -> &str {
    name.split_once(AGAIN).map_or(name, |(name, _)| name)
}

/// `user` and `current_role`, which are keywords to PostgreSQL.
fn asker(expr: &Expr) -> Option<Expr> {
    let name = match expr {
        Expr::Identifier(name) if name.quote_style.is_none() => name.value.to_ascii_lowercase(),
        Expr::Function(call) if matches!(call.args, FunctionArguments::None) => {
            call.name.to_string().to_ascii_lowercase()
        }
        _ => return None,
    };
    ["user", "current_role"].contains(&name.as_str()).then(|| parsed("session_user"))?
}

/// `\dT` asks of a type whether its table is a composite one, which is one row or none; the engine wants to see that.
fn of_one_row(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let [SelectItem::UnnamedExpr(item)] = select.projection.as_mut_slice() else { return };
    if item.to_string() == "c.relkind = 'c'"
        && let Some(any) = parsed(&format!("bool_or({item})"))
    {
        *item = any;
    }
}

/// `ARRAY(SELECT ...)` as an aggregate; NULL over what has no rows here. One that no single aggregate says stays as it is,
/// and the engine refuses it: a wrong answer would be taken for the right one.
fn array_of(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let FunctionArguments::Subquery(query) = &call.args else { return None };
    if last(&call.name.to_string()) != "array" || query.limit_clause.is_some() || query.fetch.is_some() {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    if is_empty(select) {
        return parsed("CAST(NULL AS TEXT[])");
    }
    if !keeps_rows(select) {
        return None;
    }
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] = select.projection.as_slice()
    else {
        return None;
    };
    let order = match &query.order_by {
        Some(order) => order_of(order, item)?,
        None => String::new(),
    };
    let gathered = SelectItem::UnnamedExpr(parsed(&format!("array_agg({item}{order})"))?);
    let select = Select { projection: vec![gathered], ..(**select).clone() };
    let body = Box::new(SetExpr::Select(Box::new(select)));
    Some(Expr::Subquery(Box::new(Query { body, order_by: None, ..(**query).clone() })))
}

/// Whether a query has a row for each that it chooses, and no other.
pub(super) fn keeps_rows(select: &Select) -> bool {
    let is_grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
    !is_grouped && select.distinct.is_none() && select.having.is_none() && select.top.is_none()
}

/// The order of an aggregate of a query's only column: by that column, which is all that `1` and its own words stand for.
/// Other names are not looked up here, so that another order is refused.
fn order_of(order: &OrderBy, item: &Expr) -> Option<String> {
    let OrderByKind::Expressions(by) = &order.kind else { return None };
    let [by] = by.as_slice() else { return None };
    let text = by.expr.to_string();
    let is_item = text == "1" || text == item.to_string();
    let (is_item, by_what) = match &by.expr {
        // A column by the name of its table is no name of a column of the answer.
        Expr::CompoundIdentifier(_) => (true, text),
        _ => (is_item, item.to_string()),
    };
    (is_item && by.with_fill.is_none() && order.interpolate.is_none())
        .then(|| format!(" ORDER BY {by_what}{}", by.options))
}

/// `array_to_string` of a list of grants, which are not told: the catalogue has them as texts, always NULL.
fn grants(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let FunctionArguments::List(list) = &call.args else { return None };
    let first = last(&list.args.first()?.to_string());
    let is_of_grants = last(&call.name.to_string()) == "array_to_string" && first.ends_with(GRANTS);
    is_of_grants.then(|| parsed("CAST(NULL AS TEXT)"))?
}

/// Whether a query reads a table that has no rows here, options of tables, of which there are none, or grants, which are
/// not told.
fn is_empty(select: &Select) -> bool {
    let untold = |list: String| OPTIONS.contains(&last(&list).as_str()) || last(&list).ends_with(GRANTS);
    select.from.iter().any(|from| match &from.relation {
        TableFactor::Table { args: None, .. } => catalogue::has_no_rows(from),
        TableFactor::Table { name, args: Some(list), .. } => {
            last(&name.to_string()) == "unnest" && list.args.iter().all(|arg| untold(arg.to_string()))
        }
        TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().all(|list| untold(list.to_string())),
        _ => false,
    })
}

/// A name without its schema, in lower case.
pub(super) fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

pub(super) fn parsed(text: &str) -> Option<Expr> {
    Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?.parse_expr().ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn rewritten(sql: &str) -> String {
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
    fn what_a_view_selects() {
        for sql in ["SELECT pg_catalog.pg_get_viewdef(c.oid, true) FROM pg_class AS c", "SELECT pg_get_viewdef(c.oid)"]
        {
            let sql = rewritten(sql);
            assert!(sql.contains("(SELECT max(said.definition) FROM pg_catalog.pg_class AS seen"), "{sql}");
            assert!(sql.contains("WHERE seen.oid = c.oid)") && !sql.contains("viewdef"), "{sql}");
        }
    }

    #[test]
    fn who_asks() {
        let sql = rewritten("SELECT user, current_role, \"user\", u.users FROM u WHERE owner = USER");
        assert_eq!(sql, "SELECT session_user, session_user, \"user\", u.users FROM u WHERE owner = session_user");
    }

    #[test]
    fn names_of_types_and_functions() {
        for (sql, expected) in [
            ("SELECT a.t::regtype::text FROM a", "SELECT regtype_text(a.t) FROM a"),
            ("SELECT a.t::pg_catalog.regtype::pg_catalog.text FROM a", "SELECT regtype_text(a.t) FROM a"),
            (
                "SELECT coalesce(p::regtype[], q::regtype[])::TEXT[]",
                "coalesce(regtype_texts(p), regtype_texts(q))::TEXT[]",
            ),
            ("SELECT t.typinput::regproc FROM t", "SELECT t.typinput FROM t"),
            ("SELECT t.typrelid::regproc FROM t", "SELECT t.typrelid::regproc FROM t"),
            ("SELECT t::regtype = 25", "SELECT t::regtype = 25"),
        ] {
            let text = rewritten(sql);
            assert!(text.contains(expected), "{sql}: {text}");
        }
    }

    #[test]
    fn columns_that_nobody_called_anything() {
        assert_eq!((told_name("state\u{1f}2"), told_name("state")), ("state", "state"));
        for (sql, expected) in [
            (
                "WITH w AS (SELECT a, COUNT(1), row_number() OVER () FROM b) SELECT count FROM w",
                "WITH w AS (SELECT a, COUNT(1) AS count, row_number() OVER () AS row_number FROM b) SELECT count FROM w",
            ),
            ("SELECT * FROM (SELECT max(a) FROM b) AS t", "SELECT * FROM (SELECT max(a) AS max FROM b) AS t"),
            ("SELECT * FROM (SELECT max(a), max(c) FROM b) AS t", "SELECT * FROM (SELECT max(a), max(c) FROM b) AS t"),
            ("SELECT a, NULL, NULL, 1", "SELECT a, NULL, NULL AS \"?column?\u{1f}2\", 1"),
            ("SELECT count(*) FROM b", "SELECT count(*) FROM b"),
            (
                "SELECT i FROM c AS x CROSS JOIN UNNEST(conkey) AS i JOIN d ON d.n = i",
                "SELECT i FROM (SELECT *, unnest(conkey) AS i FROM c) AS x JOIN d ON d.n = i",
            ),
            ("SELECT * FROM pg_stats AS s", "SELECT * FROM pg_catalog.pg_stats AS s"),
        ] {
            assert_eq!(rewritten(sql), expected);
        }
        let split = rewritten("SELECT regexp_split_to_table(a, '\\W+') AS w FROM b");
        assert!(split.contains("unnest(string_to_array(regexp_replace(a, '\\W+', '"), "{split}");
    }

    #[test]
    fn arrays_of_queries() {
        for (sql, expected) in [
            (
                "SELECT ARRAY(SELECT b.a FROM b WHERE b.c = d.e) FROM d",
                "(SELECT array_agg(b.a) FROM b WHERE b.c = d.e)",
            ),
            ("SELECT array(SELECT a FROM b ORDER BY 1)", "(SELECT array_agg(a ORDER BY a) FROM b)"),
            ("SELECT array(SELECT a FROM b ORDER BY 1 DESC NULLS LAST)", "array_agg(a ORDER BY a DESC NULLS LAST)"),
            ("SELECT array(SELECT b.a FROM b ORDER BY b.a)", "(SELECT array_agg(b.a ORDER BY b.a) FROM b)"),
            ("SELECT array(SELECT 't.' || x FROM pg_catalog.unnest(t.reloptions) x) FROM t", "CAST(NULL AS TEXT[])"),
            ("SELECT array(SELECT x FROM unnest(t.relacl) x) FROM t", "CAST(NULL AS TEXT[])"),
            ("SELECT array(SELECT a FROM pg_catalog.pg_policy)", "CAST(NULL AS TEXT[])"),
            ("SELECT pg_catalog.array_to_string(n.nspacl, E'\\n') FROM n", "SELECT CAST(NULL AS TEXT) FROM n"),
        ] {
            let text = rewritten(sql);
            assert!(text.contains(expected), "{sql}: {text}");
        }
        for same in [
            "SELECT ARRAY[1, 2]",
            "SELECT (SELECT a FROM b)",
            "SELECT a FROM b WHERE c IN (SELECT d FROM e)",
            // What one aggregate does not say.
            "SELECT ARRAY(SELECT a FROM b ORDER BY c DESC)",
            "SELECT ARRAY(SELECT a FROM b ORDER BY 1, c)",
            "SELECT ARRAY(SELECT DISTINCT a FROM b)",
            "SELECT ARRAY(SELECT a FROM b GROUP BY a)",
            "SELECT ARRAY(SELECT max(a) FROM b HAVING max(a) > 1)",
            "SELECT ARRAY(SELECT a FROM b FETCH FIRST 2 ROWS ONLY)",
            "SELECT ARRAY(SELECT a FROM b LIMIT 2)",
        ] {
            assert_eq!(rewritten(same), same);
        }
        // A list of something else has rows.
        let listed = rewritten("SELECT ARRAY(SELECT x FROM unnest(t.tags) AS x) FROM t");
        assert!(listed.contains("array_agg(x) FROM UNNEST(t.tags)"), "{listed}");
    }
}
