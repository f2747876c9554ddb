//! What the lineage functions answer, against brute force on random graphs, and by how answers must relate.

use super::*;
use crate::graph::csr::Bits;
use crate::graph::erasure::ErasureAction;
use crate::graph::reach::Sharing;
use std::collections::BTreeMap;

const ROUNDS: usize = 150;

fn worlds(seed: u64) -> impl Iterator<Item = (usize, Fixture, i64, Random)> {
    let mut random = Random(seed);
    (0..ROUNDS).map(move |round| {
        let nodes = 2 + random.below(12);
        let fixture = random_graph(&mut random, nodes);
        let at = random.below(12) as i64;
        (round, fixture, at, Random(random.below(u64::MAX - 1) + 1))
    })
}

/// All simple paths by trying every one, as lists of versions, shortest first.
fn all_paths(pairs: &BTreeSet<(i64, i64, bool, i64)>, from: i64, to: i64) -> Vec<Vec<i64>> {
    let (mut open, mut found) = (vec![vec![from]], Vec::new());
    while let Some(path) = open.pop() {
        let last = *path.last().expect("a path");
        if path.len() > 1 && last == to {
            found.push(path);
            continue;
        }
        let next: BTreeSet<i64> = pairs.iter().filter(|(s, ..)| *s == last).map(|(_, d, ..)| *d).collect();
        for dst in next.into_iter().filter(|d| !path.contains(d)) {
            open.push(path.iter().copied().chain([dst]).collect());
        }
    }
    found.sort_by_key(|p| (p.len(), p.clone()));
    found
}

#[test]
fn paths_are_those_that_brute_force_finds_shortest_first() {
    for (round, fixture, at, mut random) in worlds(0x51ab_0007) {
        let (view, pairs) = (fixture.view(Some(at)), pairs(&fixture, at));
        let nodes = fixture.names.len() as u64;
        let (from, to) = (random.below(nodes) as i64, random.below(nodes) as i64);
        let expected = if from == to { Vec::new() } else { all_paths(&pairs, from, to) };
        let found = view.paths(&[from as Version], &[to as Version], 1_000, true);
        if found.stopped || from == to {
            continue;
        }
        let mut texts: Vec<Vec<i64>> = found
            .paths
            .iter()
            .map(|p| std::iter::once(i64::from(p[0].src)).chain(p.iter().map(|h| i64::from(h.dst))).collect())
            .collect();
        assert!(texts.windows(2).all(|w| w[0].len() <= w[1].len()), "round {round}: shortest first");
        texts.sort_by_key(|p| (p.len(), p.clone()));
        assert_eq!(
            texts,
            expected.into_iter().take(1_000).collect::<Vec<_>>(),
            "round {round}, {from} to {to} at {at}"
        );
    }
}

/// Where it was seen, in copies of that, and in what that is a member of.
#[test]
fn ways_of_a_tag_begin_where_it_was_seen() {
    let (mut begun, mut several) = (0, 0);
    for (round, mut fixture, at, mut random) in worlds(0x51ab_0031) {
        let nodes = fixture.names.len() as u64;
        for _ in 0..random.below(nodes) {
            let (kind, from) = (["CONTAINS", "COPY_OF"][random.below(2) as usize], random.below(8));
            let ends = [random.below(nodes), random.below(nodes)].map(|n| fixture.names[n as usize].clone());
            fixture.edge(kind, &ends[0], &ends[1], &[&format!("from={from}")]);
        }
        let view = fixture.view(Some(at));
        let rows = &fixture.rows;
        let seen = rows.findings.iter().filter(|f| f.categories[0] == "pii").map(|f| f.version_id as Version);
        let mut sources: BTreeSet<Version> = seen.collect();
        let own = sources.len();
        for _ in 0..nodes {
            for e in rows.edges.iter().filter(|e| e.valid_from <= at && e.valid_to.is_none_or(|t| at < t)) {
                let (src, dst) = (e.src_version_id as Version, e.dst_version_id as Version);
                if ["CONTAINS", "COPY_OF"].contains(&&*e.edge_type) && sources.contains(&src) {
                    sources.insert(dst);
                }
                if e.edge_type == "COPY_OF" && sources.contains(&dst) {
                    sources.insert(src);
                }
            }
        }
        sources.retain(|version| view.exists(*version));
        several += usize::from(sources.len() > own);
        let tag = What::Tag("pii".into());
        let some: Vec<Version> = view.graph().versions().filter(|_| random.below(3) > 0).collect();
        let found: BTreeSet<Version> =
            view.begun_among(&view.beginnings(std::slice::from_ref(&tag)), &some).into_iter().collect();
        let expected = some.iter().copied().filter(|version| sources.contains(version)).collect();
        assert_eq!(found, expected, "round {round}, at {at}");
        let (to, sources) = (random.below(nodes) as Version, sources.into_iter().collect::<Vec<_>>());
        let ways = view.exposure_paths(&[tag], &[to], 5);
        assert_eq!(ways, view.paths(&sources, &[to], 5, false), "round {round}, to {to} at {at}");
        begun += ways.paths.len();
    }
    assert!(begun > 50 && several > 20, "{begun} ways, {several} of them by copies and members");
}

/// As alone, among however many threads.
#[test]
fn what_flows_out_is_the_same_for_every_number_of_threads() {
    for (round, fixture, at, mut random) in worlds(0x51ab_0032) {
        let view = fixture.view(Some(at));
        let carries: Vec<bool> = view.graph().classes.iter().map(|class| class.carries).collect();
        let from: Vec<Version> = view.graph().versions().filter(|_| random.below(4) == 0).collect();
        let flows = |threads: usize| {
            let mut seen = Bits::new(view.graph().nodes());
            from.iter().for_each(|version| _ = seen.insert(*version));
            view.flows_out(&from, &carries, &mut seen, Sharing { threads, from: 1 })
        };
        let alone = flows(1);
        let pairs = pairs(&fixture, at).into_iter().filter(|(_, _, carries, _)| *carries).collect();
        let mut reached: BTreeSet<Version> = from.iter().flat_map(|from| closure(&pairs, i64::from(*from))).collect();
        reached.retain(|version| !from.contains(version));
        assert_eq!(alone.iter().map(|step| step.version).collect::<BTreeSet<_>>(), reached, "round {round}, at {at}");
        for threads in [2, 3, 7] {
            assert_eq!(flows(threads), alone, "round {round}, {threads} threads");
        }
    }
}

#[test]
fn hops_reach_what_walks_reach() {
    for (round, fixture, at, _) in worlds(0x51ab_0011) {
        let view = fixture.view(Some(at));
        for from in view.graph().versions() {
            let near: BTreeSet<Version> =
                view.walk(Direction::Downstream, &[from], Some(1)).iter().map(|r| r.version).collect();
            let hops: BTreeSet<Version> =
                view.hops(Direction::Downstream, from).iter().map(|h| h.dst).filter(|d| *d != from).collect();
            assert_eq!(hops, near, "round {round}, from {from}");
            let far: BTreeSet<Version> =
                view.walk(Direction::Downstream, &[from], None).iter().map(|r| r.version).collect();
            for to in view.graph().versions().filter(|to| *to != from) {
                assert_eq!(view.reaches(from, to), far.contains(&to), "round {round}, {from} to {to}");
                let up: BTreeSet<Version> =
                    view.hops(Direction::Upstream, to).iter().map(|h| h.src).filter(|s| *s != to).collect();
                assert_eq!(up.contains(&from), near.contains(&to), "round {round}: both ways see {from} to {to}");
            }
        }
    }
}

#[test]
fn exposure_is_what_the_labels_say() {
    for (round, fixture, at, _) in worlds(0x51ab_0013) {
        let view = fixture.view(Some(at));
        let exposed = view.exposure(&What::Tag("pii".into()));
        let has: BTreeSet<Version> =
            exposed.iter().filter(|e| matches!(e.status, ExposedStatus::Has(_))).map(|e| e.version).collect();
        let tags = |v: &Version| view.tags_of(*v);
        let expected = view.graph().versions().filter(|v| (tags(v).own | tags(v).inherited) & 1 != 0).collect();
        assert_eq!(has, expected, "round {round}");
        let models: BTreeSet<Version> =
            view.models_trained_on(&What::Tag("pii".into()), false, Details::ALL).iter().map(|r| r.model).collect();
        let is_model = |v: &Version| view.graph().kind(*v) == Kind::Model;
        assert_eq!(has.into_iter().filter(is_model).collect::<BTreeSet<_>>(), models, "round {round}");
    }
}

#[test]
fn erasure_reaches_what_carries_and_nothing_else() {
    for (round, fixture, at, mut random) in worlds(0x51ab_0017) {
        let (view, pairs) = (fixture.view(Some(at)), pairs(&fixture, at));
        let place = random.below(fixture.names.len() as u64) as i64;
        let carrying: BTreeSet<_> = pairs.into_iter().filter(|(_, _, carries, _)| *carries).collect();
        let mut expected = closure(&carrying, place);
        expected.insert(place as Version);
        let impact = view.erasure_impact(&[(place, 3)], "00000000", false);
        let found: BTreeSet<Version> = impact.affected.iter().map(|a| a.version).collect();
        assert_eq!(found, expected, "round {round}, from {place} at {at}");
        for row in &impact.affected {
            assert_eq!((row.path.first(), row.path.last()), (Some(&(place as Version)), Some(&row.version)));
            for step in row.path.windows(2) {
                let step = (i64::from(step[0]), i64::from(step[1]));
                assert!(carrying.iter().any(|(s, d, ..)| (*s, *d) == step), "round {round}: {step:?} is a hop");
            }
            let is_model = view.graph().kind(row.version) == Kind::Model;
            assert_eq!(row.action == ErasureAction::Retrain, is_model, "round {round}");
        }
    }
}

#[test]
fn the_union_of_walks_is_the_walk_of_the_union() {
    for (round, fixture, at, mut random) in worlds(0x51ab_0019) {
        let view = fixture.view(Some(at));
        let nodes = fixture.names.len() as u64;
        let seeds: BTreeSet<Version> = (0..3).map(|_| random.below(nodes) as Version).collect();
        let walk = |seeds: &[Version]| -> BTreeSet<Version> {
            view.walk(Direction::Downstream, seeds, None).iter().map(|r| r.version).collect()
        };
        // A seed is no part of its own answer, but of that of another that reaches it.
        let each: BTreeSet<Version> = seeds.iter().flat_map(|s| walk(&[*s])).collect();
        let together = walk(&seeds.iter().copied().collect::<Vec<_>>());
        assert_eq!(together, each, "round {round}");
    }
}

/// Random graphs, each at a time, with some seeds and a depth to walk to.
fn walks(seed: u64, rounds: u64) -> impl Iterator<Item = (u64, View, Vec<Version>, Option<u32>)> {
    (0..rounds).map(move |round| {
        let mut random = Random(seed + round);
        let nodes = 2 + random.below(40);
        let fixture = random_graph(&mut random, nodes);
        let view = fixture.view(Some(random.below(12) as i64));
        let versions = fixture.names.len() as u64;
        let seeds: BTreeSet<Version> = (0..1 + random.below(6)).map(|_| random.below(versions) as Version).collect();
        let max_depth = [None, Some(0), Some(1), Some(2), Some(4)][random.below(5) as usize];
        (round, view, seeds.into_iter().collect(), max_depth)
    })
}

/// A level that is shared among threads gives the same steps, and from several seeds every version is as near as it is
/// from the nearest other one.
#[test]
fn a_walk_from_several_seeds_is_the_nearest_of_each() {
    for (round, view, seeds, max_depth) in walks(0x51ab_0029, 400) {
        for direction in [Direction::Upstream, Direction::Downstream] {
            let alone = view.steps_shared(direction, &seeds, max_depth, Sharing { threads: 1, from: 0 });
            for threads in [2, 3, 7] {
                let shared = view.steps_shared(direction, &seeds, max_depth, Sharing { threads, from: 1 });
                assert_eq!(alone, shared, "round {round}, {threads} threads");
            }
            let mut nearest: BTreeMap<Version, BTreeMap<Version, u32>> = BTreeMap::new();
            for &seed in &seeds {
                for step in view.walk(direction, &[seed], max_depth) {
                    nearest.entry(step.version).or_default().insert(seed, step.depth);
                }
            }
            let found: BTreeMap<Version, Version> = alone.iter().map(|step| (step.version, step.seed)).collect();
            assert_eq!(found.len(), alone.len(), "round {round}: each version once");
            assert_eq!(found.keys().collect::<Vec<_>>(), nearest.keys().collect::<Vec<_>>(), "round {round}");
            for step in &alone {
                let of = &nearest[&step.version];
                assert_eq!(Some(&step.depth), of.values().min(), "round {round}: {step:?}");
                assert_eq!(of.get(&step.seed), Some(&step.depth), "round {round}: {step:?}");
            }
            assert!(alone.windows(2).all(|pair| pair[0].depth <= pair[1].depth), "round {round}: nearest first");
        }
    }
}

/// What a walk reaches without its ways is what it reaches with them, however many threads share a level.
#[test]
fn levels_are_the_steps_without_their_edges() {
    let (mut cut, mut found, mut seeds_reached) = (0, 0, 0);
    for (round, view, seeds, max_depth) in walks(0x51ab_0037, 600) {
        for direction in [Direction::Upstream, Direction::Downstream] {
            if round % 2 == 0 {
                view.look_at_all();
            }
            let mut steps = view.steps(direction, &seeds, max_depth);
            steps.sort_by_key(|step| (step.depth, step.version));
            let told = |s: &Step| (s.depth, s.version, s.cut);
            let mut near: BTreeSet<(Version, Version, u32)> = BTreeSet::new();
            for &seed in &seeds {
                near.extend(view.walk(direction, &[seed], max_depth).iter().map(|r| (r.version, seed, r.depth)));
            }
            for threads in [1, 2, 3, 7] {
                let levels = view.levels_shared(direction, &seeds, max_depth, Sharing { threads, from: 1 });
                let all = levels.steps(0..levels.len());
                assert!(all.iter().map(told).eq(steps.iter().map(told)), "round {round}, {threads} threads: {all:?}");
                // Of several seeds that are equally near it is any.
                assert!(all.iter().all(|s| near.contains(&(s.version, s.seed, s.depth))), "round {round}: {all:?}");
                let parts = (0..levels.len()).flat_map(|at| levels.steps(at..at + 1));
                assert!(parts.eq(all.iter().copied()), "round {round}: in parts");
            }
            found += steps.len();
            cut += steps.iter().filter(|step| step.cut).count();
            seeds_reached += steps.iter().filter(|step| seeds.contains(&step.version)).count();
        }
    }
    assert!(cut > 50 && found > 1_000 && seeds_reached > 50, "{cut} cut, {seeds_reached} seeds of {found}");
}

/// What is not wanted of an answer is left out, and changes nothing else; an answer that has more is taken for it.
#[test]
fn an_answer_without_details_is_the_same_but_for_them() {
    let mut found = 0;
    for (round, fixture, at, _) in worlds(0x51ab_0031) {
        for (what, unknown) in [(What::Tag("pii".to_owned()), true), (What::Versions(vec![0, 1]), false)] {
            let without = fixture.view(Some(at)).models_trained_on(&what, unknown, Details::NONE);
            let view = fixture.view(Some(at));
            let all = view.models_trained_on(&what, unknown, Details::ALL);
            let left = |row: &Trained| Trained {
                sources: 0,
                min_depth: None,
                first_run: None,
                gap_reason: None,
                ..row.clone()
            };
            assert_eq!(*without, all.iter().map(left).collect::<Vec<_>>(), "round {round}");
            assert_eq!(view.models_trained_on(&what, unknown, Details::NONE), all, "round {round}");
            found += all.iter().filter(|row| row.min_depth.is_some()).count();
        }
    }
    assert!(found > 0, "no world with a model that was trained on anything");
}

#[test]
fn the_present_is_the_end_of_all_times_and_a_diff_of_one_time_is_empty() {
    for (round, fixture, at, _) in worlds(0x51ab_0023) {
        let (now, late) = (fixture.view(None), fixture.view(Some(i64::MAX - 1)));
        for version in now.graph().versions() {
            assert_eq!(now.tags_of(version), late.tags_of(version), "round {round}");
            let (a, b) =
                (now.walk(Direction::Upstream, &[version], None), late.walk(Direction::Upstream, &[version], None));
            assert_eq!(a, b, "round {round}");
            assert_eq!(now.lineage_diff((&[version], at), (&[version], at)), [], "round {round}");
        }
    }
}

#[test]
fn a_diff_is_the_difference_of_two_walks() {
    for (round, fixture, at, mut random) in worlds(0x51ab_0029) {
        let view = fixture.view(None);
        let later = at + random.below(6) as i64;
        let version = random.below(fixture.names.len() as u64) as Version;
        let hops = |at: i64| -> BTreeSet<(Version, Version)> {
            let view = fixture.view(Some(at));
            let mut ends: BTreeSet<Version> =
                view.walk(Direction::Upstream, &[version], None).iter().map(|r| r.version).collect();
            ends.insert(version);
            ends.iter().flat_map(|v| view.hops(Direction::Upstream, *v)).map(|h| (h.src, h.dst)).collect()
        };
        let (before, after) = (hops(at), hops(later));
        let changes = view.lineage_diff((&[version], at), (&[version], later));
        for (a, b) in after.difference(&before) {
            assert!(
                changes.iter().any(|c| c.change == Change::Added && (c.src, c.dst) == (*a, *b)),
                "round {round}: {a} to {b} came"
            );
        }
        for (a, b) in before.difference(&after) {
            assert!(
                changes.iter().any(|c| c.change == Change::Removed && (c.src, c.dst) == (*a, *b)),
                "round {round}: {a} to {b} went"
            );
        }
    }
}

#[test]
fn another_edge_takes_no_tag_away_and_another_clearing_brings_none() {
    for (round, mut fixture, at, mut random) in worlds(0x51ab_0031) {
        let tags = |fixture: &Fixture| -> Vec<u64> {
            let view = fixture.view(Some(at));
            view.graph().versions().map(|v| view.tags_of(v).own | view.tags_of(v).inherited).collect()
        };
        let before = tags(&fixture);
        let nodes = fixture.names.len() as u64;
        let name = |n: u64| fixture.names[n as usize].clone();
        let (src, dst) = (name(random.below(nodes)), name(random.below(nodes)));
        fixture.edge("DERIVED", &src, &dst, &[]);
        let more = tags(&fixture);
        assert!(before.iter().zip(&more).all(|(b, m)| b & !m == 0), "round {round}: {src} to {dst}");
        for edge in &mut fixture.rows.edges {
            edge.clear_mask |= 1;
        }
        let fewer = tags(&fixture);
        assert!(more.iter().zip(&fewer).all(|(m, f)| f & !m == 0), "round {round}: clearing adds nothing");
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for (round, fixture, at, _) in worlds(0x51ab_0037) {
        let mut turned = Fixture { rows: fixture.rows.clone(), names: fixture.names.clone() };
        turned.rows.edges.reverse();
        turned.rows.findings.reverse();
        turned.rows.runs.reverse();
        turned.rows.assets.reverse();
        turned.rows.versions.reverse();
        let (a, b) = (fixture.view(Some(at)), turned.view(Some(at)));
        for version in a.graph().versions() {
            assert_eq!(a.graph().text(version), b.graph().text(version));
            assert_eq!(a.tags_of(version), b.tags_of(version), "round {round}");
            let reached = |view: &View| -> BTreeSet<Version> {
                view.walk(Direction::Upstream, &[version], None).iter().map(|r| r.version).collect()
            };
            assert_eq!(reached(&a), reached(&b), "round {round}");
        }
    }
}

#[test]
fn cycles_and_self_edges_end_every_question() {
    let fixture = Fixture::parse(
        "edge DERIVED d:a -> d:b
         edge DERIVED d:b -> d:a
         edge DERIVED d:a -> d:a
         run r1: d:c -> d:c m:m
         edge FINE_TUNED_FROM m:m -> m:m
         edge TRAINED_ON d:a -> m:m
         find d:b US_SSN pii",
    );
    let view = fixture.view(None);
    let (a, b, m) = (fixture.id("d:a"), fixture.id("d:b"), fixture.id("m:m"));
    let names = |found: Vec<Reached>| found.iter().map(|r| r.version).collect::<Vec<_>>();
    assert_eq!(names(view.walk(Direction::Downstream, &[a], None)), [b, m]);
    assert_eq!(view.paths(&[b], &[m], 10, true).paths.len(), 1);
    assert_eq!(view.paths(&[m], &[m], 10, true).paths, [[]; 0]);
    assert_eq!(view.exposure(&What::Tag("US_SSN".into())).len(), 3);
    assert_eq!(view.erasure_impact(&[(i64::from(a), 1)], "00000000", true).affected.len(), 3);
    assert!(view.reaches(a, a) && view.reaches(b, m) && !view.reaches(m, b));
}

#[test]
fn near_copies_are_followed_one_step_and_only_where_asked() {
    let fixture = Fixture::parse(
        "edge NEAR_DUPLICATE d:a -> d:b
         edge NEAR_DUPLICATE d:b -> d:c
         edge NEAR_DUPLICATE d:z -> d:a
         edge COPY_OF d:a -> d:copy
         edge TRAINED_ON d:b -> m:m",
    );
    let view = fixture.view(None);
    let a = i64::from(fixture.id("d:a"));
    let touched = |near| -> Vec<String> {
        let impact = view.erasure_impact(&[(a, 2)], "00000000", near);
        let mut names: Vec<String> = impact
            .affected
            .iter()
            .map(|r| format!("{} {}", fixture.names[r.version as usize], r.action.as_str()))
            .collect();
        names.sort();
        names
    };
    assert_eq!(touched(false), ["d:a DELETE", "d:copy DELETE"]);
    assert_eq!(touched(true), ["d:a DELETE", "d:b REWRITE", "d:copy DELETE", "d:z REWRITE", "m:m RETRAIN"]);
    let same = view.same_content(&[fixture.id("d:a")], 0.8);
    assert_eq!(same.len(), 2, "near copies both ways, chains not followed");
}

/// Of two states of one asset with equal content the older has the edges to near copies.
#[test]
fn near_copies_of_equal_content_are_near_copies() {
    let mut fixture = Fixture::parse(
        "edge NEAR_DUPLICATE d:older -> d:b
         edge TRAINED_ON d:b -> m:m
         d:newer",
    );
    for name in ["d:older", "d:newer"] {
        let id = i64::from(fixture.id(name));
        let version = fixture.rows.versions.iter_mut().find(|v| v.version_id == id).expect("a version");
        version.merkle_root = Some(Hash([7; 32]));
    }
    let impact = fixture.view(None).erasure_impact(&[(i64::from(fixture.id("d:newer")), 1)], "00000000", true);
    let names = |versions: &[Version]| versions.iter().map(|v| fixture.names[*v as usize].as_str()).collect::<Vec<_>>();
    let affected: Vec<Version> = impact.affected.iter().map(|r| r.version).collect();
    assert_eq!(names(&affected), ["d:newer", "d:b", "m:m"]);
    assert_eq!(names(&impact.affected[2].path), ["d:newer", "d:b", "m:m"]);
}

/// No way of an erasure has two steps to a near copy, whatever lies between them.
#[test]
fn near_copies_of_what_is_made_from_near_copies_are_not_followed() {
    let fixture = Fixture::parse(
        "edge NEAR_DUPLICATE d:a -> d:b
         edge COPY_OF d:b -> d:b2
         edge DERIVED d:b2 -> d:c
         edge NEAR_DUPLICATE d:c -> d:d
         edge DERIVED d:a -> d:e
         edge NEAR_DUPLICATE d:f -> d:e",
    );
    let impact = fixture.view(None).erasure_impact(&[(i64::from(fixture.id("d:a")), 1)], "00000000", true);
    let mut names: Vec<&str> = impact.affected.iter().map(|r| fixture.names[r.version as usize].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["d:a", "d:b", "d:b2", "d:c", "d:e", "d:f"]);
}

/// Likeness is no lineage.
#[test]
fn near_copies_are_neither_walked_nor_tagged() {
    let fixture = Fixture::parse(
        "edge NEAR_DUPLICATE d:a -> d:b
         find d:a US_SSN pii
         edge TRAINED_ON d:b -> m:m",
    );
    let view = fixture.view(None);
    let (a, b) = (fixture.id("d:a"), fixture.id("d:b"));
    assert_eq!(view.walk(Direction::Downstream, &[a], None), []);
    assert_eq!(view.walk(Direction::Upstream, &[b], None), []);
    assert!(!view.reaches(a, b));
    assert_eq!(view.exposure(&What::Tag("US_SSN".into())).len(), 1, "only where it was seen");
}
