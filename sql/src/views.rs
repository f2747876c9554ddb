//! The views, one `.sql` file each; the comment at the head of the file is its documentation. What several of them begin
//! with is in a `.part` file.

/// A view of schema `public`.
#[derive(Debug)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// Its query, with the comment of its file.
    pub sql: &'static str,
}

impl View {
    /// What it shows: the comment at the head of its file.
    pub fn summary(&self) -> String {
        // A part that stands before the file has no comments.
        let lines =
            self.sql.lines().skip_while(|line| !line.starts_with("--")).map_while(|line| line.strip_prefix("--"));
        lines.map(str::trim).collect::<Vec<_>>().join(" ")
    }
}

macro_rules! view {
    ($name:literal) => {
        View { name: $name, sql: include_str!(concat!("../views/", $name, ".sql")) }
    };
    ($name:literal behind $part:literal) => {
        View {
            name: $name,
            sql: concat!(
                include_str!(concat!("../views/", $part, ".part")),
                include_str!(concat!("../views/", $name, ".sql"))
            ),
        }
    };
}

/// The views. A file that is not listed fails a test.
pub static ALL: &[View] = &[
    view!("datasets"),
    view!("models"),
    view!("deployments"),
    view!("runs"),
    view!("jobs"),
    view!("findings_by_asset"),
    view!("lineage_gaps"),
    view!("effective_tags"),
    view!("table_lineage" behind "names"),
    view!("column_lineage" behind "names"),
];
