//! A set of rules that are scanned for together: the built-in ones, a selection of them, or a user's own.

use crate::Error;
use crate::finding::Category;
use crate::rule::{self, Rule};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Rules by index. The order is that of the files and never depends on anything else.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// Indices by the rules' ids.
    by_id: Vec<u16>,
    hash: String,
}

impl RuleSet {
    /// The rules that are part of the program.
    ///
    /// # Errors
    /// [`Error::Rule`] where a built-in file is broken, which a test rules out.
    pub fn built_in() -> Result<Self, Error> {
        let (rules, sha256) = rule::built_in()?;
        Self::of(rules, sha256)
    }

    /// The rules of some files, given as `(name, text)`.
    ///
    /// # Errors
    /// [`Error::Rule`] for a rule that breaks the contract, or an id that stands twice; [`Error::Unknown`] for more rules
    /// than 65,535.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut hash = Sha256::new();
        for (name, text) in files {
            hash.update(text.as_bytes());
            rules.extend(rule::parse(name, text)?);
        }
        Self::of(rules, hash.finalize().as_ref())
    }

    fn of(rules: Vec<Rule>, sha256: &[u8]) -> Result<Self, Error> {
        if rules.len() > usize::from(u16::MAX) {
            return Err(Error::Unknown(format!("{} rules are too many; {} is the most", rules.len(), u16::MAX)));
        }
        let by_id = by_id(&rules);
        let ids = |w: &[u16]| [&rules[usize::from(w[0])], &rules[usize::from(w[1])]];
        if let Some([first, second]) = by_id.windows(2).map(ids).find(|[a, b]| a.id == b.id) {
            return Err(Error::Rule {
                rule: first.id.clone(),
                file: second.file.clone(),
                message: format!("the id stands in {} already; ids are unique and never reused", first.file),
            });
        }
        Ok(Self { rules, by_id, hash: shown(sha256) })
    }

    /// These rules and those of some files, given as `(name, text)`. Every expression of the files is compiled at once.
    ///
    /// # Errors
    /// As [`RuleSet::from_files`]; also for an id that these rules have already, for an expression that does not compile
    /// within its limits, and for a `normalise` that is not that of the other rules of the entity.
    pub fn with_files<'a>(mut self, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut hash = Sha256::new_with_prefix(self.hash.as_bytes());
        for (name, text) in files {
            hash.update(text.as_bytes());
            for mut rule in rule::parse(name, text)? {
                rule::verify(&rule)?;
                self.settle_normalise(&mut rule)?;
                self.rules.push(rule);
            }
        }
        Self::of(self.rules, hash.finalize().as_ref())
    }

    /// Whether these are the rules that are part of the program, all of them and no other.
    pub fn are_built_in(&self) -> bool {
        self.hash == shown(rule::BUILT_IN_SHA256)
    }

    /// The tags that the rules can find: categories (`PHI`), and entities behind theirs (`PII.US_SSN`).
    pub fn tags(&self) -> BTreeSet<String> {
        let mut tags = BTreeSet::new();
        for rule in &self.rules {
            let categories = rule.categories.iter().map(|category| category.as_str().to_ascii_uppercase());
            tags.extend(categories.flat_map(|category| [format!("{category}.{}", rule.entity), category]));
        }
        tags
    }

    /// Gives a rule that says nothing of it the normalisation of its entity, and refuses one that says another: the
    /// fingerprint of a value must not depend on which rule found it.
    fn settle_normalise(&self, rule: &mut Rule) -> Result<(), Error> {
        let Some(other) = self.rules.iter().find(|other| other.entity == rule.entity) else { return Ok(()) };
        if rule.normalise_is_given && rule.normalise != other.normalise {
            return Err(Error::Rule {
                rule: rule.id.clone(),
                file: rule.file.clone(),
                message: format!(
                    "its `normalise` is not that of the other rules for {}, as `{}`; leave it out, or name an entity of \
                     your own",
                    rule.entity, other.id
                ),
            });
        }
        rule.normalise = other.normalise;
        Ok(())
    }

    /// Only the rules whose id matches one of the globs and that have one of the categories; an empty list is all.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a glob that matches no id.
    pub fn select(mut self, globs: &[String], categories: &[Category]) -> Result<Self, Error> {
        use crate::engine_fields_glob as matches;
        if let Some(none) = globs.iter().find(|g| !self.rules.iter().any(|r| matches(g, &r.id))) {
            return Err(Error::Unknown(format!("no detector matches `{none}`; `lineward detectors` lists them")));
        }
        self.rules.retain(|r| {
            (globs.is_empty() || globs.iter().any(|g| matches(g, &r.id)))
                && (categories.is_empty() || r.categories.iter().any(|c| categories.contains(c)))
        });
        let selection = format!("{}|{}|{categories:?}", self.hash, globs.join(","));
        if !globs.is_empty() || !categories.is_empty() {
            self.hash = shown(Sha256::digest(selection.as_bytes()).as_ref());
        }
        self.by_id = by_id(&self.rules);
        Ok(self)
    }

    /// The rule at an index of this set.
    pub fn get(&self, index: u16) -> &Rule {
        &self.rules[index as usize]
    }

    /// The index of the rule with an id.
    pub fn index_of(&self, id: &str) -> Option<u16> {
        let at = self.by_id.binary_search_by(|index| self.get(*index).id.as_str().cmp(id)).ok()?;
        self.by_id.get(at).copied()
    }

    /// All rules with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Rule)> {
        (0u16..).zip(&self.rules)
    }

    /// Indices of the rules that a predicate picks.
    pub fn indices(&self, pick: impl Fn(&Rule) -> bool) -> Vec<u16> {
        self.iter().filter(|(_, r)| pick(r)).map(|(i, _)| i).collect()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Hash of the rules: equal sets give equal findings on equal bytes. 16 hex digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// A hash of rules as it is told.
fn shown(sha256: &[u8]) -> String {
    hex::encode(&sha256[..8])
}

/// Indices of rules, in the order of their ids.
fn by_id(rules: &[Rule]) -> Vec<u16> {
    let mut indices: Vec<u16> = (0u16..).zip(rules).map(|(index, _)| index).collect();
    indices.sort_by(|a, b| rules[usize::from(*a)].id.cmp(&rules[usize::from(*b)].id));
    indices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::Normalise;
    use std::collections::BTreeMap;

    #[test]
    fn all_rules_of_an_entity_normalise_alike() {
        let rules = RuleSet::built_in().expect("rules");
        let mut by_entity: BTreeMap<&str, &Rule> = BTreeMap::new();
        for (_, rule) in rules.iter() {
            let first = by_entity.entry(&rule.entity).or_insert(rule);
            assert_eq!(first.normalise, rule.normalise, "`{}` and `{}`", first.id, rule.id);
        }
    }

    #[test]
    fn only_all_built_in_rules_and_no_other_are_the_built_in_ones() {
        let built_in = || RuleSet::built_in().expect("rules");
        assert!(built_in().are_built_in());
        assert!(built_in().select(&[], &[]).expect("all").are_built_in());
        assert!(!built_in().select(&[], &[Category::Phi]).expect("some").are_built_in());
        let own = "- { id: own, title: t, entity: OWN, categories: [pii], fields: [own], value: 'x+', score: 0.9 }";
        assert!(!built_in().with_files([("own.yaml", own)]).expect("one more").are_built_in());
    }

    #[test]
    fn a_rule_of_a_user_takes_the_normalisation_of_its_entity() {
        let rule = |more: &str| {
            format!(
                "- {{ id: my-url, title: t, entity: URL, categories: [pii], keywords: [myurl], find: 'myurl', score: 0.5{more} }}"
            )
        };
        let with = |text: &str| RuleSet::built_in().expect("rules").with_files([("my.yaml", text)]);
        let rules = with(&rule("")).expect("rules");
        let index = rules.index_of("my-url").expect("the rule");
        assert_eq!(rules.get(index).normalise, Normalise::Lower);
        assert!(with(&rule(", normalise: lower")).is_ok());
        let error = with(&rule(", normalise: exact")).expect_err("it disagrees").to_string();
        assert!(error.contains("`normalise`") && error.contains("URL"), "{error}");
    }
}
