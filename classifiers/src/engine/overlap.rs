//! Which of several overlapping matches is the finding.
//!
//! The better score wins, then the longer match, then the rule that stands first. A URL or an address may hold other
//! findings and is not in their way.

use crate::finding::Match;
use crate::rule_set::RuleSet;
use std::collections::{BTreeMap, HashMap};

/// Entities that contain others: they neither suppress nor are suppressed, except by their own kind.
const CONTAINERS: [&str; 3] = ["URL", "DOMAIN_NAME", "ADDRESS"];

/// Whether a match may hold others.
pub(crate) fn is_container(m: &Match, rules: &RuleSet) -> bool {
    CONTAINERS.contains(&rules.get(m.rule).entity.as_str())
}

/// Keeps one match of each overlapping group; orders by value and start. Adds to `beaten` what was not kept and reaches
/// beyond what was: who removes values has to remove that as well.
pub(super) fn resolve(found: &mut Vec<Match>, rules: &RuleSet, beaten: &mut Vec<Match>) {
    let container = |m: &Match| is_container(m, rules);
    let place = |m: &Match| (m.value, m.start, m.end, m.rule);
    found.sort_unstable_by_key(place);
    if !found.windows(2).any(|pair| pair[0].value == pair[1].value && pair[1].start < pair[0].end) {
        return;
    }
    let (mut containers, mut others): (Vec<Match>, Vec<Match>) = found.drain(..).partition(container);
    for kind in [&mut containers, &mut others] {
        resolve_kind(kind, found, beaten);
    }
    found.sort_unstable_by_key(place);
}

/// Resolves matches that are in each other's way, in groups that nothing reaches across.
fn resolve_kind(matches: &mut [Match], kept: &mut Vec<Match>, beaten: &mut Vec<Match>) {
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
            group => keep_best(group, kept, beaten),
        }
        from = to;
    }
}

/// Best first; each is kept if it overlaps none kept before.
fn keep_best(group: &mut [Match], kept: &mut Vec<Match>, beaten: &mut Vec<Match>) {
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
        match ranges.range(..m.end).next_back() {
            Some((start, end)) if *end > m.start => {
                if m.start < *start || *end < m.end {
                    beaten.push(*m);
                }
            }
            _ => {
                ranges.insert(m.start, m.end);
                kept.push(*m);
            }
        }
    }
}

/// Matches that others have beaten, in an order in which those over a place are found without looking at all.
#[derive(Debug, Default)]
pub(crate) struct Beaten {
    /// By value and start.
    matches: Vec<Match>,
    /// Of each, how far it and those before it in its value reach.
    furthest: Vec<usize>,
}

/// The own bounds of stretched matches: by value, stretched bounds and rule.
pub(crate) type Own = HashMap<(u32, usize, usize, u16), (usize, usize)>;

impl Beaten {
    /// Of what was beaten, that with at least a score: what is below it would not be removed if it stood alone.
    pub(crate) fn of(beaten: &[Match], score_min: f32) -> Self {
        let mut matches: Vec<Match> = beaten.iter().filter(|m| m.score >= score_min).copied().collect();
        matches.sort_unstable_by_key(|m| (m.value, m.start));
        let mut last = (0, 0);
        let furthest = matches.iter().map(|m| {
            last = (m.value, if last.0 == m.value { m.end.max(last.1) } else { m.end });
            last.1
        });
        Self { furthest: furthest.collect(), matches }
    }

    /// From where to where a match goes with what it has beaten.
    pub(crate) fn reach(&self, m: &Match) -> (usize, usize) {
        let before = self.matches.partition_point(|b| (b.value, b.start) < (m.value, m.end));
        let over = (0..before).rev().take_while(|i| self.matches[*i].value == m.value && self.furthest[*i] > m.start);
        let over = over.map(|i| &self.matches[i]).filter(|b| b.end > m.start);
        over.fold((m.start, m.end), |(start, end), b| (start.min(b.start), end.max(b.end)))
    }

    /// Stretches matches over those they have beaten, so that all of both goes when values are removed. Says what the
    /// bounds were: a match is named by its own text.
    pub(crate) fn stretch(&self, found: &mut [Match]) -> Own {
        let mut own = Own::new();
        for m in found.iter_mut() {
            let bounds = (m.start, m.end);
            (m.start, m.end) = self.reach(m);
            if (m.start, m.end) != bounds {
                own.insert((m.value, m.start, m.end, m.rule), bounds);
            }
        }
        own
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
        let mut beaten = Vec::new();
        resolve(&mut found, &rules, &mut beaten);
        let expected = [chain[1], a_match(0, 1, 0, 4, 0.5), a_match(2, 1, 0, 20, 0.3), a_match(1, 2, 4, 9, 0.7)];
        assert_eq!(found, expected);
        assert_eq!(beaten, [chain[2], chain[0]], "what a kept match holds whole is gone with it");
        let own = Beaten::of(&beaten, 0.0).stretch(&mut found);
        assert_eq!((found[0].start, found[0].end), (0, 12));
        assert_eq!(own, Own::from([((0, 0, 12, 1), (3, 8))]));
        assert_eq!(found[1..], expected[1..]);
    }

    #[test]
    fn a_match_reaches_over_all_it_has_beaten_and_nothing_else() {
        let beaten = [
            a_match(0, 1, 20, 24, 0.5),
            a_match(0, 0, 2, 30, 0.5),
            a_match(0, 0, 0, 1, 0.5),
            a_match(0, 0, 9, 40, 0.1),
        ];
        let beaten = Beaten::of(&beaten, 0.2);
        assert_eq!(beaten.reach(&a_match(1, 0, 25, 28, 0.9)), (2, 30), "a long one before a short one");
        assert_eq!(beaten.reach(&a_match(1, 1, 23, 28, 0.9)), (20, 28));
        assert_eq!(beaten.reach(&a_match(1, 1, 10, 20, 0.9)), (10, 20), "side by side");
        assert_eq!(beaten.reach(&a_match(1, 2, 0, 9, 0.9)), (0, 9), "another value");
    }
}
