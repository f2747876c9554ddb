//! What clients ask the catalogue in words that the engine does not know: numbers of tables and transactions that every
//! row has, functions of rows, types of the catalogue, and questions that have one row though nothing says so.

use super::rewrite::{FUNCTIONS, last, parsed};
use super::subqueries::asks_catalogue;
use crate::pg_catalog::{values, views};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinOperator,
    ObjectName, Query, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Columns that every table of PostgreSQL has and none of these.
const OF_EVERY_ROW: [&str; 2] = ["tableoid", "xmin"];
/// Columns of truth that drivers compare with a letter.
const TRUTHS: [&str; 6] = ["indisprimary", "indisunique", "indisclustered", "indisvalid", "attnotnull", "attisdropped"];
/// Functions of one value for many rows, with which a question has one row.
const AGGREGATES: [&str; 12] = [
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "first_value",
    "json_agg",
    "max",
    "min",
    "string_agg",
    "sum",
];

/// Tables of the catalogue that have no rows here: this server has none of what they list.
pub(crate) const EMPTY: [&str; 24] = [
    "pg_attrdef",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_enum",
    "pg_event_trigger",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_inherits",
    "pg_matviews",
    "pg_partitioned_table",
    "pg_policy",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_seclabel",
    "pg_seclabels",
    "pg_sequence",
    "pg_shdepend",
    "pg_shseclabel",
    "pg_statistic_ext",
    "pg_subscription",
    "pg_trigger",
    "pg_user_mapping",
];
/// Stands for an escape that stands for itself, while others are replaced.
const MEANWHILE: &str = "\u{1f}";
/// Functions that answer the same whatever they are asked, so that what they are asked need not be computed.
const UNTOLD: [&str; 4] = ["col_description", "obj_description", "shobj_description", "pg_get_indexdef"];

/// A table that PostgreSQL has under another name, or as a function.
pub(super) fn table(factor: &mut TableFactor) {
    let TableFactor::Table { name, args, alias, with_ordinality, .. } = factor else { return };
    let called = last(&name.to_string());
    let schema = name.0.iter().rev().nth(1).and_then(|part| part.as_ident()).map(|part| part.value.to_lowercase());
    match args {
        None if schema.as_deref() == Some("information_schema") => {
            let Some(ours) = views::of_information(&called.replace('"', "")) else { return };
            alias.get_or_insert_with(|| as_named(&called.replace('"', "")));
            *name = of_catalogue(&ours);
        }
        Some(given) if given.args.is_empty() => {
            let Some(table) = ["pg_settings", "pg_available_extensions", "pg_timezone_names", "pg_cursors"]
                .into_iter()
                .find(|table| called == *table || called == "pg_show_all_settings" && *table == "pg_settings")
            else {
                return;
            };
            alias.get_or_insert_with(|| as_named(&called));
            (*name, *args) = (of_catalogue(table), None);
        }
        Some(given) if called == "unnest" => {
            let with_ordinality = *with_ordinality;
            let list = |arg: &FunctionArg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(list)) => Some(list.clone()),
                _ => None,
            };
            let Some(array_exprs) = given.args.iter().map(list).collect::<Option<Vec<_>>>() else { return };
            let alias = alias.take();
            let (with_offset, with_offset_alias) = (false, None);
            *factor = TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality };
        }
        // No grants are told, so that nothing of the row beside it has to be known.
        Some(_) if called == "aclexplode" => {
            let none = "SELECT CAST(NULL AS INT) AS grantor, CAST(NULL AS INT) AS grantee, \
                        CAST(NULL AS TEXT) AS privilege_type, CAST(NULL AS BOOLEAN) AS is_grantable WHERE false";
            let Ok(mut parser) = Parser::new(&PostgreSqlDialect {}).try_with_sql(none) else { return };
            let Ok(subquery) = parser.parse_query() else { return };
            let alias = Some(alias.take().unwrap_or_else(|| as_named(&called)));
            *factor = TableFactor::Derived { lateral: false, subquery, alias, sample: None };
        }
        _ => {}
    }
}

fn as_named(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: Ident::new(name), columns: Vec::new(), at: None }
}

fn of_catalogue(table: &str) -> ObjectName {
    ObjectName::from(vec![Ident::new("pg_catalog"), Ident::with_quote('"', table)])
}

/// An expression in other words; where the statement asks the catalogue, also by what its tables are known to hold.
pub(super) fn expression(expr: &Expr, asks_catalogue: bool) -> Option<Expr> {
    let of_catalogue = [of_every_row, truth, by_function, member, of_none, cast_to_json];
    let rules = [of_information, rows_of, untold, field, part, like, cast];
    let of_catalogue = asks_catalogue.then_some(of_catalogue).into_iter().flatten();
    of_catalogue.chain(rules).find_map(|rule| rule(expr))
}

/// A function that answers the same whatever it is asked.
fn untold(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let name = last(&call.name.to_string());
    let has_arguments = matches!(&call.args, FunctionArguments::List(list) if !list.args.is_empty());
    (has_arguments && UNTOLD.contains(&name.as_str())).then(|| parsed(&format!("{name}()")))?
}

/// The roles that a role is a member of by ways of any length: none.
fn member(expr: &Expr) -> Option<Expr> {
    let Expr::Subquery(query) = expr else { return None };
    let is_recursive = query.with.as_ref().is_some_and(|with| with.recursive);
    let text = || query.to_string().to_lowercase();
    (is_recursive && text().contains("pg_auth_members") && query.body.to_string().contains("array_agg("))
        .then(|| parsed("CAST(NULL AS TEXT[])"))?
}

/// Marks a question that a value is compared with all rows of, and takes the mark away again: such a question has as many
/// rows as it has.
pub(super) fn mark_set(expr: &mut Expr, is_marked: bool) {
    if let Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } = expr
        && let Expr::Subquery(query) = right.as_mut()
    {
        query.settings = is_marked.then(Vec::new);
    }
}

/// A question to a table without rows, within another.
fn of_none(expr: &Expr) -> Option<Expr> {
    let Expr::Subquery(query) = expr else { return None };
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] = select.projection.as_slice()
    else {
        return None;
    };
    if query.settings.is_some() {
        return None;
    }
    let is_none = select.from.iter().any(has_no_rows) && !is_whole(item);
    (is_none && super::rewrite::keeps_rows(select)).then(|| parsed("NULL"))?
}

/// Whether a table of the catalogue has no rows here, nor what is joined to it.
pub(super) fn has_no_rows(from: &TableWithJoins) -> bool {
    use JoinOperator::{CrossJoin, Inner, Join, Left, LeftOuter};
    let keeps_none = |join: &JoinOperator| matches!(join, Join(_) | Inner(_) | CrossJoin(_) | Left(_) | LeftOuter(_));
    let TableFactor::Table { name, args: None, .. } = &from.relation else { return false };
    let is_of_catalogue = name.0.len() < 2 || name.to_string().to_lowercase().contains("pg_catalog.");
    is_of_catalogue
        && EMPTY.contains(&last(&name.to_string()).as_str())
        && from.joins.iter().all(|join| keeps_none(&join.join_operator))
}

/// `(row).field` of a row that an expression makes.
fn field(expr: &Expr) -> Option<Expr> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let [AccessExpr::Dot(Expr::Identifier(name))] = access_chain.as_slice() else { return None };
    let name = if name.quote_style.is_none() { name.value.to_lowercase() } else { name.value.replace('\'', "''") };
    matches!(root.as_ref(), Expr::Nested(_)).then(|| parsed(&format!("get_field({root}, '{name}')")))?
}

/// `substring(text FROM 'pattern')`: the first group of the pattern, or all that it matches.
fn part(expr: &Expr) -> Option<Expr> {
    let Expr::Substring { expr: text, substring_from: Some(from), substring_for: None, .. } = expr else { return None };
    let Expr::Value(held) = from.as_ref() else { return None };
    let Value::SingleQuotedString(pattern) = &held.value else { return None };
    // The engine leaves out groups that took no part, so that the first of several may be another.
    (pattern.matches('(').count() <= 1).then(|| parsed(&format!("(regexp_match({text}, {from}))[1]")))?
}

/// `LIKE` with an escape of its own: the engine knows the backslash.
fn like(expr: &Expr) -> Option<Expr> {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = expr else {
        return None;
    };
    let escape = escape_char.as_ref()?.value.clone().into_string()?;
    if escape.chars().count() != 1 || ["\\", "'", "%", "_"].contains(&escape.as_str()) {
        return None;
    }
    // What was the backslash is one that stands for itself, and the escape twice is the escape.
    let twice = format!("{escape}{escape}");
    let steps = [("\\", "\\\\"), (twice.as_str(), MEANWHILE), (escape.as_str(), "\\"), (MEANWHILE, escape.as_str())];
    let replaced = |text: String, (from, to): &(&str, &str)| format!("replace({text}, '{from}', '{to}')");
    let pattern = parsed(&steps.iter().fold(pattern.to_string(), replaced))?;
    let mut other = expr.clone();
    if let Expr::Like { pattern: place, escape_char, .. } | Expr::ILike { pattern: place, escape_char, .. } = &mut other
    {
        (**place, *escape_char) = (pattern, None);
    }
    Some(other)
}

/// The number of a row's table, or of the transaction that wrote it: nobody's.
fn of_every_row(expr: &Expr) -> Option<Expr> {
    is_of_every_row(expr).then(|| parsed("CAST(NULL AS INT)"))?
}

fn is_of_every_row(expr: &Expr) -> bool {
    let name = match expr {
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Identifier(name) => Some(name),
        _ => None,
    };
    name.is_some_and(|name| name.quote_style.is_none() && OF_EVERY_ROW.contains(&name.value.to_lowercase().as_str()))
}

/// Such a column under its name, where it stands in a list of columns.
pub(super) fn named(item: &mut SelectItem) {
    if let SelectItem::UnnamedExpr(expr) = item
        && is_of_every_row(expr)
    {
        let alias = Ident::new(last(&expr.to_string()));
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
}

/// A column by the whole name of a table that has another name here, and its own as that of the table.
fn of_information(expr: &Expr) -> Option<Expr> {
    let Expr::CompoundIdentifier(parts) = expr else { return None };
    let [schema, table, column] = parts.as_slice() else { return None };
    views::of_information(&table.value.to_lowercase())?;
    schema
        .value
        .eq_ignore_ascii_case("information_schema")
        .then(|| Expr::CompoundIdentifier(vec![table.clone(), column.clone()]))
}

/// `indisprimary = 't'`.
fn truth(expr: &Expr) -> Option<Expr> {
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { return None };
    let letter = |expr: &Expr| match expr.to_string().as_str() {
        "'t'" => Some(true),
        "'f'" => Some(false),
        _ => None,
    };
    let is = |expr: &Expr| TRUTHS.contains(&last(&expr.to_string()).as_str());
    let (column, value) = match (letter(left), letter(right)) {
        (None, Some(value)) if is(left) => (left, value),
        (Some(value), None) if is(right) => (right, value),
        _ => return None,
    };
    parsed(&format!("{column} = {value}"))
}

/// `p.oid = t.typreceive`: the functions are names here.
fn by_function(expr: &Expr) -> Option<Expr> {
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { return None };
    let is_number = |expr: &Expr| last(&expr.to_string()) == "oid";
    let is_name = |expr: &Expr| FUNCTIONS.contains(&last(&expr.to_string()).as_str());
    let (number, name) = match () {
        () if is_number(left) && is_name(right) => (left, right),
        () if is_name(left) && is_number(right) => (right, left),
        () => return None,
    };
    let number = match number.as_ref() {
        Expr::CompoundIdentifier(parts) => {
            let (_, table) = parts.split_last()?;
            table.iter().map(ToString::to_string).chain(["proname".to_owned()]).collect::<Vec<_>>().join(".")
        }
        _ => "proname".to_owned(),
    };
    // Some are told with their schema.
    parsed(&format!("{number} = replace({name}, 'pg_catalog.', '')"))
}

/// Functions of rows in a list of columns, as lists of which the rows are made.
fn rows_of(expr: &Expr) -> Option<Expr> {
    let Expr::Function(call) = expr else { return None };
    let FunctionArguments::List(list) = &call.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(of)), ..] = list.args.as_slice() else { return None };
    parsed(&match last(&call.name.to_string()).as_str() {
        "aclexplode" => format!("unnest({}({of}))", values::GRANTS),
        "_pg_expandarray" => format!("unnest({}({of}))", values::NUMBERED),
        "generate_subscripts" => format!("unnest(range(1, CAST(coalesce(array_length({of}), 0) AS BIGINT) + 1))"),
        "bpchar" => format!("CAST({of} AS TEXT)"),
        _ => return None,
    })
}

/// Casts to types that are texts here.
fn cast(expr: &Expr) -> Option<Expr> {
    let Expr::Cast { expr: of, data_type, format: None, .. } = expr else { return None };
    let is_array = matches!(data_type, DataType::Array(_));
    let name = data_type.to_string().to_lowercase();
    let name = name.trim_end_matches("[]");
    let is_text = matches!(
        name.strip_prefix("pg_catalog.").unwrap_or(name),
        "name" | "\"char\"" | "bpchar" | "aclitem" | "xid" | "unknown" | "cstring"
    );
    is_text.then(|| parsed(&format!("CAST({of} AS TEXT{})", if is_array { "[]" } else { "" })))?
}

/// JSON, of which the catalogue has none; two texts of it are equal that are not equal as texts.
fn cast_to_json(expr: &Expr) -> Option<Expr> {
    let Expr::Cast { expr: of, data_type: DataType::JSON | DataType::JSONB, .. } = expr else { return None };
    parsed(&format!("CAST({of} AS TEXT)"))
}

/// A question to the catalogue within another has one row or none, which the engine wants to see.
pub(super) fn of_one_row(query: &mut Query) {
    if query.settings.is_some() || !asks_catalogue(query) || query.order_by.is_some() || query.limit_clause.is_some() {
        return;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    if !super::rewrite::keeps_rows(select) || select.from.is_empty() {
        return;
    }
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    if !is_whole(item)
        && let Some(one) = parsed(&format!("first_value({item})"))
    {
        *item = one;
    }
}

/// Whether a column is one value for all rows.
fn is_whole(item: &Expr) -> bool {
    let text = item.to_string().to_lowercase();
    AGGREGATES.iter().any(|name| text.contains(&format!("{name}(")))
}

#[cfg(test)]
mod tests {
    use super::super::rewrite::tests::rewritten;

    #[test]
    fn words_of_the_catalogue() {
        for (from, selected, expected) in [
            ("pg_class AS c", "c.tableoid, xmin", "CAST(NULL AS INT) AS tableoid, CAST(NULL AS INT) AS xmin"),
            ("boxes AS t", "xmin, t.xmin", "xmin, t.xmin"),
            ("pg_class AS c", "d.classoid = c.tableoid", "d.classoid = CAST(NULL AS INT)"),
            ("pg_index AS i", "i.indisprimary = 't'", "i.indisprimary = true"),
            ("pg_index", "'f' = indisunique", "indisunique = false"),
            ("pg_index", "kind = 't'", "kind = 't'"),
            ("runs", "indisunique = 't'", "indisunique = 't'"),
            ("pg_proc AS p, t", "p.oid = t.typreceive", "p.proname = replace(t.typreceive, 'pg_catalog.', '')"),
            ("n", "(aclexplode(a)).grantee", "get_field((unnest(rows_of_grants(a))), 'grantee')"),
            ("n", "a::\"char\", b::name[], c::text", "CAST(a AS TEXT), CAST(b AS TEXT[]), c::TEXT"),
            ("t", "substring(a FROM 'b=([0-9]*)')", "(regexp_match(a, 'b=([0-9]*)'))[1]"),
            ("t", "a LIKE b ESCAPE '\\'", "a LIKE b ESCAPE '\\'"),
            (
                "t",
                "a NOT LIKE b ESCAPE '!'",
                "a NOT LIKE replace(replace(replace(replace(b, '\\', '\\\\'), '!!', '\u{1f}'), '!', '\\'), '\u{1f}', '!')",
            ),
            ("t", "col_description(format(a)::regclass::oid, 1)", "col_description()"),
            ("pg_class", "CASE WHEN a THEN (SELECT b FROM pg_attrdef AS d) END", "CASE WHEN a THEN NULL END"),
            (
                "pg_class",
                "CASE WHEN a THEN (SELECT b FROM attrdef AS d) END",
                "CASE WHEN a THEN (SELECT b FROM attrdef AS d) END",
            ),
        ] {
            assert_eq!(rewritten(&format!("SELECT {selected} FROM {from}")), format!("SELECT {expected} FROM {from}"));
        }
    }

    #[test]
    fn tables_of_the_catalogue() {
        for (from, expected) in [
            ("pg_show_all_settings()", "pg_catalog.\"pg_settings\" AS pg_show_all_settings"),
            ("INFORMATION_SCHEMA.columns", "pg_catalog.\"information_schema.columns\" AS columns"),
            ("information_schema.views AS v", "pg_catalog.\"information_schema.views\" AS v"),
            ("information_schema.tables AS t", "information_schema.tables AS t"),
            ("columns", "columns"),
            ("pg_catalog.unnest(a) AS b", "UNNEST(a) AS b"),
        ] {
            assert_eq!(rewritten(&format!("SELECT 1 FROM {from}")), format!("SELECT 1 FROM {expected}"));
        }
        let named = rewritten("SELECT information_schema.columns.udt_name FROM information_schema.columns");
        assert!(named.starts_with("SELECT columns.udt_name FROM"), "{named}");
    }

    #[test]
    fn questions_of_one_row() {
        let one = |within: &str| rewritten(&format!("SELECT CASE WHEN a THEN ({within}) END FROM c"));
        let first = one("SELECT x FROM pg_range WHERE rngtypid = c.oid");
        assert!(first.contains("SELECT first_value(x) FROM pg_range"), "{first}");
        for same in [
            "SELECT count(*) FROM pg_range WHERE rngtypid = c.oid",
            "SELECT x FROM runs WHERE y = c.oid",
            "SELECT x FROM pg_range ORDER BY y LIMIT 1",
        ] {
            assert!(one(same).contains(same), "{same}");
        }
        let joined = one("SELECT r.a FROM pg_trigger AS t RIGHT JOIN runs AS r ON true");
        assert!(joined.contains("RIGHT JOIN"), "{joined}");
        for same in ["a > ANY(SELECT oid FROM pg_class)", "a <> ALL(SELECT oid FROM pg_trigger)"] {
            let sql = format!("SELECT 1 FROM pg_class WHERE {same}");
            assert_eq!(rewritten(&sql), sql);
        }
    }
}
