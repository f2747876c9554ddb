//! Which of several overlapping matches is the finding.
//!
//! The better score wins, then the longer match, then the rule that stands first. A URL or an address may hold other
//! findings and is not in their way.

use crate::finding::Match;
use crate::rule_set::RuleSet;
use std::collections::BTreeMap;

/// Entities that contain others: they neither suppress nor are suppressed, except by their own kind.
const CONTAINERS: [&str; 3] = ["URL", "DOMAIN_NAME", "ADDRESS"];

/// Whether a match may hold others.
pub(super) fn is_container(m: &Match, rules: &RuleSet) -> bool {
    CONTAINERS.contains(&rules.get(m.rule).entity.as_str())
}

/// Keeps one match of each overlapping group; orders by value and start.
pub(super) fn resolve(found: &mut Vec<Match>, rules: &RuleSet) {
    let container = |m: &Match| is_container(m, rules);
    let place = |m: &Match| (m.value, m.start, m.end, m.rule);
    found.sort_unstable_by_key(place);
    if !found.windows(2).any(|pair| pair[0].value == pair[1].value && pair[1].start < pair[0].end) {
        return;
    }
    let (mut containers, mut others): (Vec<Match>, Vec<Match>) = found.drain(..).partition(container);
    for kind in [&mut containers, &mut others] {
        resolve_kind(kind, found);
    }
    found.sort_unstable_by_key(place);
}

/// Resolves matches that are in each other's way, in groups that nothing reaches across.
fn resolve_kind(matches: &mut [Match], kept: &mut Vec<Match>) {
    let mut from = 0;
    while from < matches.len() {
        let (value, mut reach) = (matches[from].value, matches[from].end);
        let mut to = from + 1;
        while matches.get(to).is_some_and(|m| m.value == value && m.start < reach) {
            reach = reach.max(matches[to].end);
            to += 1;
        }
        match &mut matches[from..to] {
            [alone] => kept.push(*alone),
            group => keep_best(group, kept),
        }
        from = to;
    }
}

/// Best first; each is kept if it overlaps none kept before.
fn keep_best(group: &mut [Match], kept: &mut Vec<Match>) {
    group.sort_unstable_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then((b.end - b.start).cmp(&(a.end - a.start)))
            .then(a.start.cmp(&b.start))
            .then(a.rule.cmp(&b.rule))
    });
    // Kept ranges by start: they are disjoint, so only the last one that starts before a match's end can reach into it.
    // A dense text costs n log n.
    let mut ranges = BTreeMap::new();
    for m in group {
        if ranges.range(..m.end).next_back().is_none_or(|(_, end)| *end <= m.start) {
            ranges.insert(m.start, m.end);
            kept.push(*m);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_match(rule: u16, value: u32, start: usize, end: usize, score: f32) -> Match {
        Match { rule, value, start, end, score }
    }

    #[test]
    fn the_better_and_longer_one_stays_and_containers_stand_beside() {
        let rule = |id: &str, entity: &str| {
            format!(
                "- {{ id: {id}, title: t, entity: {entity}, categories: [pii], keywords: [{id}xx], find: '{id}xx', score: 0.5 }}"
            )
        };
        let text = [rule("a", "A"), rule("b", "B"), rule("c", "URL")].join("\n");
        let rules = RuleSet::from_files([("t.yaml", text.as_str())]).expect("rules");
        let chain = [a_match(0, 0, 0, 4, 0.5), a_match(1, 0, 3, 8, 0.9), a_match(0, 0, 7, 12, 0.6)];
        let mut found = vec![
            chain[2],
            chain[1],
            chain[0],
            a_match(0, 1, 0, 4, 0.5),
            a_match(1, 1, 0, 4, 0.5),
            a_match(2, 1, 0, 20, 0.3),
            a_match(0, 2, 5, 9, 0.7),
            a_match(1, 2, 4, 9, 0.7),
        ];
        resolve(&mut found, &rules);
        let expected = [chain[1], a_match(0, 1, 0, 4, 0.5), a_match(2, 1, 0, 20, 0.3), a_match(1, 2, 4, 9, 0.7)];
        assert_eq!(found, expected);
    }
}
