//! The page of all detectors in the documentation.

use crate::rule_set::RuleSet;

/// A Markdown page of all detectors, made of the rules.
fn page_of(rules: &RuleSet) -> String {
    use std::fmt::Write as _;
    let mut out = String::from(
        "# Detectors\n\nWritten by a test from the rules in `classifiers/rules/`; `make bless` writes it anew.\n",
    );
    let mut file = "";
    for (_, rule) in rules.iter() {
        if rule.file != file {
            file = &rule.file;
            let count = rules.iter().filter(|(_, r)| r.file == file).count();
            let _ = write!(
                out,
                "\n## `{file}`\n\n{count} detectors.\n\n| id | finds | entity | categories | country or provider | checked by |\n|---|---|---|---|---|---|\n"
            );
        }
        let cell = |text: &str| text.replace('|', "\\|");
        let categories: Vec<&str> = rule.categories.iter().map(|c| c.as_str()).collect();
        let place = rule.country.as_deref().or(rule.provider.as_deref()).unwrap_or_default();
        let _ = writeln!(
            out,
            "| `{}` | {} | `{}` | {} | {} | {} |",
            rule.id,
            cell(&rule.title),
            rule.entity,
            categories.join(", "),
            cell(place),
            cell(&rule.checked_by().join(", "))
        );
    }
    out.push_str(&super::hipaa::table(rules));
    out.push_str(&super::languages::table(rules));
    out
}

#[test]
fn the_page_of_detectors_is_up_to_date() {
    let path = "../docs/generated/detectors.md";
    let page = page_of(&super::with_examples());
    if std::env::var_os("LINEWARD_BLESS").is_some() {
        std::fs::write(path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/generated/detectors.md is stale; LINEWARD_BLESS=1 writes it");
}
