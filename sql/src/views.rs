//! The views, one `.sql` file each; the comment at the head of the file is its documentation.

/// A view of schema `public`.
#[derive(Debug)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// Its query, with the comment at the head of its file.
    pub sql: &'static str,
}

impl View {
    /// What it shows: the comment at the head of its file.
    pub fn summary(&self) -> String {
        // Parts that it shares with others come first.
        let own = self.sql.lines().skip_while(|line| !line.starts_with("--"));
        let lines = own.map_while(|line| line.strip_prefix("--"));
        lines.map(str::trim).collect::<Vec<_>>().join(" ")
    }
}

macro_rules! view {
    ($name:literal) => {
        View { name: $name, sql: include_str!(concat!("../views/", $name, ".sql")) }
    };
    // A view that goes on where a part ends which several begin with.
    ($part:literal, $name:literal) => {
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
    view!("column_profiles"),
    view!("version_fields"),
    view!("lineage_gaps"),
    view!("effective_tags"),
    view!("effective_field_tags"),
    view!("names", "table_lineage"),
    view!("names", "column_lineage"),
];
