//! What a principal may see: the roles of its configuration merged into one set of grants, asked by table, column and
//! function. Nothing here knows how a principal proved who it is.

mod guard;
mod table;

pub(crate) use guard::{CATALOG, guarded};

use crate::Error;
use crate::config::{Limits, Role};
use std::collections::BTreeMap;

/// Columns whose content is close to the data itself; NULL without the permission `previews`.
pub(crate) const CONTENT_COLUMNS: [&str; 3] = ["payload", "preview", "previews"];

/// Functions of rows that use the key of fingerprints: whoever may try values has what previews show.
const KEYED: [&str; 2] = ["fingerprint", "redact"];

/// Everything its roles give a principal.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Access {
    roles: Vec<Role>,
}

/// What a principal may see of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Columns that are not there.
    pub denied_columns: Vec<String>,
    /// Conditions of which a row must meet one; none is no condition.
    pub conditions: Vec<String>,
    /// Content columns are NULL.
    pub masks_content: bool,
}

impl Access {
    /// The grants of roles by name.
    pub fn of<S: AsRef<str>>(names: &[S], known: &BTreeMap<String, Role>) -> Result<Self, Error> {
        let mut roles = Vec::new();
        for name in names {
            let name = name.as_ref();
            match known.get(name).cloned().or_else(|| built_in(name)) {
                Some(role) => roles.push(role),
                None => {
                    let all = known.keys().map(String::as_str).chain(["admin", "reader"]).collect::<Vec<_>>();
                    return Err(Error::Config(format!("there is no role `{name}`; there are {}", all.join(", "))));
                }
            }
        }
        Ok(Self { roles })
    }

    /// May send events, and see nothing.
    pub fn of_sender() -> Self {
        Self { roles: vec![Role { ingest: true, ..Role::default() }] }
    }

    /// What may be seen of a table; `None` for nothing.
    pub fn table(&self, schema: &str, table: &str) -> Option<Grant> {
        let granting: Vec<&Role> =
            self.roles.iter().filter(|r| r.tables.iter().any(|p| fits(p, schema, table))).collect();
        if granting.is_empty() {
            return None;
        }
        let denied: Vec<Vec<String>> = granting.iter().map(|r| for_table(&r.deny_columns, schema, table)).collect();
        let denied_columns = denied[0].iter().filter(|c| denied.iter().all(|d| d.contains(c))).cloned().collect();
        let conditions: Vec<Option<String>> = granting.iter().map(|r| condition(r, schema, table)).collect();
        let everything = conditions.iter().any(Option::is_none);
        Some(Grant {
            denied_columns,
            conditions: if everything { Vec::new() } else { conditions.into_iter().flatten().collect() },
            masks_content: !granting.iter().any(|r| r.previews),
        })
    }

    /// Whether a lineage function may be called, and what may be seen of what it returns.
    pub fn function(&self, name: &str) -> Option<Grant> {
        let may = |role: &&Role| role.functions.iter().any(|pattern| glob(pattern, name));
        let roles: Vec<Role> = self.roles.iter().filter(may).cloned().collect();
        let as_tables = roles.into_iter().map(|r| Role { tables: vec![format!("public.{name}")], ..r }).collect();
        Self { roles: as_tables }.table("public", name)
    }

    /// Whether a function of rows may be called, as `tags_of`.
    pub fn scalar(&self, name: &str) -> bool {
        let gives = |role: &Role| role.functions.iter().any(|pattern| glob(pattern, name));
        self.roles.iter().any(|role| gives(role) && (role.previews || !KEYED.contains(&name)))
    }

    /// Whether rows of anything are kept back.
    pub fn hides_rows(&self) -> bool {
        self.roles.iter().any(|role| !role.rows.is_empty())
    }

    /// May send events.
    pub fn ingests(&self) -> bool {
        self.roles.iter().any(|r| r.ingest)
    }

    /// Its limits: of each kind the widest that a role gives, else that of the server.
    pub fn limits(&self, server: Limits) -> Limits {
        let each: Vec<Limits> = self.roles.iter().map(|r| r.limits.or(server)).collect();
        let Some(first) = each.first().copied() else { return server };
        each.into_iter().fold(first, |a, b| Limits {
            query_seconds: widest(a.query_seconds, b.query_seconds),
            rows: widest(a.rows, b.rows),
            memory_bytes: widest(a.memory_bytes, b.memory_bytes),
            concurrent: widest(a.concurrent, b.concurrent),
        })
    }
}

/// Roles that every server has, unless its configuration names one so.
fn built_in(name: &str) -> Option<Role> {
    let all = || vec!["*".to_owned()];
    match name {
        "admin" => Some(Role {
            tables: vec!["*.*".to_owned(), "audit.*".to_owned()],
            functions: all(),
            previews: true,
            ingest: true,
            ..Role::default()
        }),
        "reader" => Some(Role { tables: all(), functions: all(), ..Role::default() }),
        _ => None,
    }
}

fn widest<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    // No limit is wider than any.
    a.zip(b).map(|(a, b)| a.max(b))
}

fn condition(role: &Role, schema: &str, table: &str) -> Option<String> {
    let all = role.rows.iter().filter(|(pattern, _)| takes_from(pattern, schema, table));
    let texts: Vec<String> = all.map(|(_, sql)| format!("({sql})")).collect();
    (!texts.is_empty()).then(|| texts.join(" AND "))
}

fn for_table(lists: &BTreeMap<String, Vec<String>>, schema: &str, table: &str) -> Vec<String> {
    lists.iter().filter(|(pattern, _)| takes_from(pattern, schema, table)).flat_map(|(_, list)| list.clone()).collect()
}

/// Whether `schema.table` is meant by a pattern. The audit log is only meant by a pattern that names it.
fn fits(pattern: &str, schema: &str, table: &str) -> bool {
    let (in_schema, of_table) = pattern.split_once('.').unwrap_or(("public", pattern));
    let named = schema != "audit" || in_schema == "audit";
    named && glob(in_schema, schema) && glob(of_table, table)
}

/// Whether a pattern of what is taken away means a table. Without a schema it means that table in all of them: the same
/// rows are in several, and a forgotten one would show them.
fn takes_from(pattern: &str, schema: &str, table: &str) -> bool {
    let (in_schema, of_table) = pattern.split_once('.').unwrap_or(("*", pattern));
    glob(in_schema, schema) && glob(of_table, table)
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text
            .strip_prefix(head)
            .is_some_and(|tail| (0..=tail.len()).any(|i| tail.is_char_boundary(i) && glob(rest, &tail[i..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(yaml: &str, names: &[&str]) -> Access {
        let roles: BTreeMap<String, Role> = serde_norway::from_str(yaml).expect("YAML");
        Access::of(names, &roles).expect("roles")
    }

    #[test]
    fn patterns() {
        for (pattern, schema, table, expected) in [
            ("*", "public", "models", true),
            ("*", "raw", "events", false),
            ("*.*", "raw", "events", true),
            ("*.*", "audit", "queries", false),
            ("audit.*", "audit", "queries", true),
            ("raw.e*s", "raw", "events", true),
            ("raw.e*s", "raw", "edge", false),
            ("models", "public", "models", true),
            ("models", "current", "models", false),
        ] {
            assert_eq!(fits(pattern, schema, table), expected, "{pattern} {schema}.{table}");
        }
    }

    #[test]
    fn what_is_taken_away_is_taken_from_every_schema() {
        let yaml =
            "all: {tables: ['*.*'], deny_columns: {runs: [principal], raw.jobs: [facets]}, rows: {jobs: 'true'}}";
        let access = access(yaml, &["all"]);
        for (schema, table, columns, conditions) in [
            ("public", "runs", 1, 0),
            ("current", "runs", 1, 0),
            ("raw", "runs", 1, 0),
            ("raw", "jobs", 1, 1),
            ("public", "jobs", 0, 1),
        ] {
            let grant = access.table(schema, table).expect("granted");
            assert_eq!((grant.denied_columns.len(), grant.conditions.len()), (columns, conditions), "{schema}.{table}");
        }
    }

    #[test]
    fn roles_add_up() {
        let yaml = "
narrow: {tables: ['runs'], deny_columns: {runs: [principal, facets]}, rows: {runs: \"state = 'FAIL'\"}}
wide: {tables: ['runs'], deny_columns: {runs: [facets]}, rows: {runs: \"state = 'COMPLETE'\"}}
open: {tables: ['*'], previews: true}
";
        let grant = |names: &[&str]| access(yaml, names).table("public", "runs").expect("granted");
        assert_eq!(grant(&["narrow"]).denied_columns, ["principal", "facets"]);
        assert_eq!(grant(&["narrow", "wide"]).denied_columns, ["facets"]);
        assert_eq!(grant(&["narrow", "wide"]).conditions, ["(state = 'FAIL')", "(state = 'COMPLETE')"]);
        assert!(grant(&["narrow"]).masks_content);
        assert_eq!(grant(&["narrow", "open"]), Grant::default());
        assert_eq!(access(yaml, &["narrow"]).table("public", "models"), None);
    }

    #[test]
    fn functions_are_granted_by_name() {
        let yaml = "some: {functions: ['up*'], rows: {upstream: 'depth < 3'}}";
        assert_eq!(access(yaml, &["some"]).function("upstream").expect("granted").conditions, ["(depth < 3)"]);
        assert_eq!(access(yaml, &["some"]).function("downstream"), None);
        assert!(access(yaml, &["reader"]).function("downstream").is_some());
        for (roles, name, expected) in [
            (["some"], "upstream_ids", true),
            (["some"], "tags_of", false),
            (["reader"], "tags_of", true),
            (["reader"], "fingerprint", false),
            (["admin"], "fingerprint", true),
        ] {
            assert_eq!(access(yaml, &roles).scalar(name), expected, "{roles:?} {name}");
        }
    }

    #[test]
    fn the_widest_limit_holds() {
        let yaml = "a: {limits: {rows: 5, concurrent: 1}}\nb: {limits: {rows: 9}}";
        let server = Limits { rows: Some(7), concurrent: Some(4), ..Limits::default() };
        assert_eq!(access(yaml, &["a"]).limits(server), Limits { rows: Some(5), concurrent: Some(1), ..server });
        assert_eq!(access(yaml, &["a", "b"]).limits(server), Limits { rows: Some(9), concurrent: Some(4), ..server });
    }

    #[test]
    fn a_role_that_is_not_there_is_an_error() {
        let error = Access::of(&["redaer"], &BTreeMap::new()).expect_err("no role").to_string();
        assert!(error.contains("`redaer`") && error.contains("reader"), "{error}");
    }
}
