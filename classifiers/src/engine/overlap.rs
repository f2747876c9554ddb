//! Which of several overlapping matches is the finding.
//!
//! The better score wins, then the longer match, then the rule that stands first. A URL or an address may hold other
//! findings and is not in their way.

use crate::finding::Match;
use crate::rule_set::RuleSet;

/// Entities that contain others: they neither suppress nor are suppressed, except by their own kind.
const CONTAINERS: [&str; 3] = ["URL", "DOMAIN_NAME", "ADDRESS"];

/// Keeps one match of each overlapping group; orders by value and start.
pub(super) fn resolve(found: &mut Vec<Match>, rules: &RuleSet) {
    if found.len() > 1 {
        let container = |m: &Match| CONTAINERS.contains(&rules.get(m.rule).entity.as_str());
        // Best first; then each is kept if it overlaps none kept before. Values split the list into short groups.
        found.sort_by(|a, b| {
            (a.value, container(a))
                .cmp(&(b.value, container(b)))
                .then(b.score.total_cmp(&a.score))
                .then((b.end - b.start).cmp(&(a.end - a.start)))
                .then(a.start.cmp(&b.start))
                .then(a.rule.cmp(&b.rule))
        });
        let mut kept = Kept::default();
        found.retain(|m| kept.offer(m.value, container(m), m.start, m.end));
    }
    found.sort_by_key(|m| (m.value, m.start, m.end, m.rule));
}

/// The kept ranges of the current value, ordered by start, so that a dense text costs n log n.
#[derive(Default)]
struct Kept {
    group: Option<(u32, bool)>,
    ranges: std::collections::BTreeMap<usize, usize>,
}

impl Kept {
    fn offer(&mut self, value: u32, container: bool, start: usize, end: usize) -> bool {
        if self.group != Some((value, container)) {
            self.group = Some((value, container));
            self.ranges.clear();
        }
        // Kept ranges are disjoint, so only the last one that starts before our end can reach into us.
        let free = self.ranges.range(..end).next_back().is_none_or(|(_, kept_end)| *kept_end <= start);
        if free {
            self.ranges.insert(start, end);
        }
        free
    }
}
