//! Field names: which rules a field's name calls for.
//!
//! A name is normalised (`patientSSN`, `patient-ssn` and `Patient SSN` are `patient_ssn`) and compared with the globs
//! of the rules once per distinct field, not once per value.

use crate::rule_set::RuleSet;
use crate::values::{FieldId, FieldTable};

/// Rules by field, computed when a field is first met.
#[derive(Default)]
pub(super) struct FieldPlans {
    plans: Vec<Option<Vec<u16>>>,
}

impl FieldPlans {
    pub(super) fn rules(&mut self, field: FieldId, fields: &FieldTable, rules: &RuleSet) -> &[u16] {
        let index = field.0 as usize;
        if self.plans.len() <= index {
            self.plans.resize(index + 1, None);
        }
        self.plans[index].get_or_insert_with(|| {
            let name = normalise(fields.path(field));
            rules.indices(|r| r.field.as_ref().is_some_and(|f| f.names.iter().any(|g| glob(g, &name))))
        })
    }
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
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
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
