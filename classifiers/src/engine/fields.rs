//! Field names: which rules a field's name calls for.
//!
//! A name is normalised (`patientSSN`, `patient-ssn` and `Patient SSN` are `patient_ssn`) and compared with the globs
//! of the rules once per distinct field, not once per value.

use crate::rule_set::RuleSet;
use crate::values::{FieldId, FieldTable};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Names whose rules are remembered: many files have the same columns, and hostile names must not fill the memory.
const NAMES_MAX: usize = 4_096;

/// Rules by field, computed when a name is first met.
#[derive(Default)]
pub(super) struct FieldPlans {
    plans: Vec<Option<Arc<[u16]>>>,
    by_name: HashMap<String, Arc<[u16]>>,
}

impl FieldPlans {
    /// Forgets the fields of an input, not what their names call for.
    pub(super) fn reset(&mut self) {
        self.plans.clear();
    }

    pub(super) fn rules(&mut self, field: FieldId, fields: &FieldTable, rules: &RuleSet) -> &[u16] {
        let index = field.0 as usize;
        if self.plans.len() <= index {
            self.plans.resize(index + 1, None);
        }
        let by_name = &mut self.by_name;
        self.plans[index].get_or_insert_with(|| {
            let name = normalise(fields.path(field));
            if by_name.len() >= NAMES_MAX {
                by_name.clear();
            }
            by_name.entry(name).or_insert_with_key(|name| wanted(rules, name)).clone()
        })
    }
}

/// The names of fields that any rule looks for.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    whole: HashSet<String>,
    globs: Vec<String>,
}

impl KnownNames {
    pub(super) fn of(rules: &RuleSet) -> Self {
        let names = rules.iter().filter_map(|(_, rule)| rule.field.as_ref()).flat_map(|field| &field.names);
        let (globs, whole): (HashSet<String>, HashSet<String>) = names.cloned().partition(|name| name.contains('*'));
        Self { whole, globs: globs.into_iter().collect() }
    }

    /// Whether a rule looks for fields of this name, as it stands in a file.
    pub(super) fn hold(&self, name: &str) -> bool {
        let name = normalise(name);
        self.whole.contains(&name) || self.globs.iter().any(|pattern| glob(pattern, &name))
    }
}

/// The rules that look for fields of a name.
fn wanted(rules: &RuleSet, name: &str) -> Arc<[u16]> {
    rules.indices(|r| r.field.as_ref().is_some_and(|f| f.names.iter().any(|g| glob(g, name)))).into()
}

/// The last segment of a dotted path in lower snake case.
pub(crate) fn normalise(path: &str) -> String {
    let last = path.rsplit('.').find(|p| !p.is_empty() && !p.bytes().all(|b| b.is_ascii_digit())).unwrap_or(path);
    let mut out = String::with_capacity(last.len() + 4);
    let mut previous = '_';
    for c in last.chars() {
        if c.is_uppercase() && (previous.is_lowercase() || previous.is_ascii_digit()) {
            out.push('_');
        }
        match c {
            '-' | ' ' | '_' | '/' | ':' => {
                if !out.ends_with('_') && !out.is_empty() {
                    out.push('_');
                }
            }
            c => out.extend(c.to_lowercase()),
        }
        previous = c;
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

/// Whether a name matches a glob in which `*` stands for any characters.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let Some((first, parts)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let (middle, last) = parts.rsplit_once('*').unwrap_or(("", parts));
    for part in middle.split('*') {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        for (path, expected) in [
            ("patientSSN", "patient_ssn"),
            ("meta.Patient-SSN", "patient_ssn"),
            ("Patient SSN", "patient_ssn"),
            ("messages.3.content", "content"),
            ("rows.7", "rows"),
            ("e_mail_", "e_mail"),
            ("HTTPHeader", "httpheader"),
        ] {
            assert_eq!(normalise(path), expected, "{path}");
        }
    }

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("ssn", "ssn", true),
            ("ssn", "ssn2", false),
            ("*ssn*", "patient_ssn_hash", true),
            ("*_id", "patient_id", true),
            ("*_id", "_i", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} {name}");
        }
    }
}
