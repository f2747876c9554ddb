//! A graph that grew by epochs answers as one that was built from all rows, whatever was asked.

use super::{World, clone_all, extend, random_events};
use crate::graph::{
    Details, Direction, Granularity, GraphRows, GraphTables, LineageGraph, Scan, View, What, asset_text,
};
use crate::project::{Context, Rows};
use crate::rows::Micros;
use lineward_events::{ClearingPolicy, Statement};
use std::fmt::Write as _;
use std::sync::Arc;

/// Streams of events; each has its own cuts into epochs.
const SEEDS: u64 = 8;

fn graph_rows(rows: &Rows, scans: Vec<Scan>) -> GraphRows {
    let rows = clone_all(rows);
    GraphRows {
        assets: rows.assets,
        versions: rows.versions,
        jobs: rows.jobs,
        runs: rows.runs,
        run_io: rows.run_io,
        edges: rows.edges,
        findings: rows.findings,
        tags: rows.tags,
        scans,
        fields: rows.fields,
        column_mappings: rows.column_mappings,
        run_mappings: rows.run_mappings,
        policies: rows.policies,
    }
}

/// Every answer there is to questions about every version, as text.
fn answers(graph: &Arc<LineageGraph>, valid: Option<Micros>) -> String {
    let view = View::new(graph.clone(), valid);
    let mut out = String::new();
    let mut say = |what: &str, answer: &dyn std::fmt::Debug| writeln!(out, "{what}: {answer:?}").expect("text");
    say("counts", &(graph.version_count(), graph.edge_count()));
    say("names", &graph.asset_names().collect::<Vec<_>>());
    say("tags", &graph.tags());
    let all: Vec<u32> = graph.versions().collect();
    for &version in &all {
        let text = graph.text(version);
        say("version", &(&text, graph.version(version), graph.asset(version), graph.kind(version)));
        say("same", &(graph.by_version_id(graph.version_id(version)), view.exists(version)));
        for name in [text, asset_text(graph.asset(version)), graph.asset(version).name.clone()] {
            say("resolve", &graph.resolve(&name, valid));
        }
        for direction in [Direction::Upstream, Direction::Downstream] {
            let walked = view.walk(direction, &[version], None);
            for reached in walked.iter().filter_map(|r| r.run) {
                let run = graph.run(reached);
                say("run", &(graph.run_id(reached), graph.job(&run), &run));
            }
            say("walk", &walked);
            say("near", &view.walk(direction, &[version], Some(1)));
            say("hops", &view.hops(direction, version));
            for field in view.fields_of(version) {
                say("columns", &(field, view.column_walk(direction, &[version], field, None)));
            }
        }
        say("labels", &view.tags_of(version));
        say("gaps", &(view.gaps_of(version), view.hidden_inputs(version), view.hidden_upstream(version)));
        let what = What::Versions(vec![version]);
        say("exposure", &view.exposure(&what));
        say("models", &view.models_trained_on(&what, true, Details::ALL));
        say("erasure", &view.erasure_impact(&[(graph.version_id(version), 2)], "00000000", true));
        say("copies", &view.same_content(&[version], 0.0));
        let last = all.len() as u32 - 1;
        say("paths", &view.paths(&[version], &[last], 3, true));
        say("reaches", &view.reaches(version, last));
        for granularity in [Granularity::Dataset, Granularity::File] {
            say("training", &view.training_data(&[version], granularity));
        }
    }
    for tag in ["PII", "PHI", "ENTITY_0", "ENTITY_1"] {
        say("knows", &(graph.knows_tag(tag), graph.tag_name(tag)));
        let what = What::Tag(tag.to_owned());
        say("exposure", &view.exposure(&what));
        say("models", &view.models_trained_on(&what, true, Details::ALL));
        say("ways", &view.exposure_paths(&[what], &[all.len() as u32 - 1], 3));
    }
    say("all gaps", &view.gaps_of_models());
    say("states", &view.model_states());
    say("served", &view.served());
    out
}

/// A policy for all jobs, or for those that fit.
fn policy(job: Option<&str>) -> Statement {
    Statement::Clearing(ClearingPolicy {
        name: "any".to_owned(),
        tags: vec!["ENTITY_0".to_owned(), "PHI.ENTITY_1".to_owned()],
        subtype: None,
        description: None,
        beside: Vec::new(),
        job: job.map(str::to_owned),
        valid_from: None,
        valid_to: None,
    })
}

fn scan(seed: u64, n: usize) -> Scan {
    let name = ["data", "data/in", "other"][(seed as usize + n) % 3];
    Scan {
        asset_type: "DATASET".to_owned(),
        namespace: super::NAMESPACE.to_owned(),
        name: name.to_owned(),
        content: None,
        complete: n.is_multiple_of(2),
        index_key: Some("00000000".to_owned()),
        scanned_at: n as i64,
        // Writers commit in another order than that in which they learn.
        recorded_at: n as i64 * 11 % 31,
    }
}

#[test]
fn a_graph_that_grew_answers_as_one_that_was_built() {
    let (mut grown_count, mut rebuilt_count) = (0, 0);
    for seed in 0..SEEDS {
        let mut world = World::default();
        if seed % 2 == 0 {
            let context = Context { event_key: crate::Hash([9; 32]), received_at: 1, at: 1 };
            world.projector.apply(&context, &[policy([None, Some("*etl")][seed as usize / 2 % 2])]);
        }
        let (mut all, mut tail) = (Rows::default(), Rows::default());
        let (mut scans, mut new_scans) = (Vec::new(), Vec::new());
        let mut base: Option<LineageGraph> = None;
        for (n, line) in random_events(seed, 30).iter().enumerate() {
            world.tell(line);
            if n % 7 == 3 {
                new_scans.push(scan(seed, n));
            }
            if !(n as u64 + seed).is_multiple_of(1 + seed % 4) {
                continue;
            }
            let rows = world.projector.take_rows();
            extend(&mut all, clone_all(&rows));
            extend(&mut tail, rows);
            let so_far: Vec<Scan> = scans.iter().chain(&new_scans).cloned().collect();
            let fresh = LineageGraph::build(graph_rows(&all, so_far.clone()), None).expect("a graph");
            let tables = GraphTables::of_rows(graph_rows(&tail, new_scans.clone())).expect("tables");
            let grown = base.as_ref().and_then(|base| base.grown(&tables).expect("rows that fit"));
            let Some(grown) = grown else {
                rebuilt_count += usize::from(base.is_some());
                base = Some(fresh);
                scans = so_far;
                (tail, new_scans) = (Rows::default(), Vec::new());
                continue;
            };
            grown_count += 1;
            let (grown, fresh) = (Arc::new(grown), Arc::new(fresh));
            for valid in [None, Some(25)].into_iter().take(1 + usize::from(n % 3 == 0)) {
                let (found, expected) = (answers(&grown, valid), answers(&fresh, valid));
                if let Some((found, expected)) = found.lines().zip(expected.lines()).find(|(a, b)| a != b) {
                    panic!("seed {seed}, event {n}, at {valid:?}: {line}\ngrown {found}\nbuilt {expected}");
                }
                assert_eq!(found.len(), expected.len());
            }
        }
    }
    assert!(
        grown_count > 3 * rebuilt_count && grown_count > 10 * SEEDS as usize,
        "{grown_count} grew, {rebuilt_count} were built"
    );
}

/// The graph of some events, grown by others; none where it has to be built anew.
fn grown_from(before: &str, after: &str) -> (Option<Arc<LineageGraph>>, Arc<LineageGraph>) {
    let mut world = World::default();
    let context = Context { event_key: crate::Hash([9; 32]), received_at: 1, at: 1 };
    world.projector.apply(&context, &[policy(Some("*etl"))]);
    super::lines(before).for_each(|line| world.tell(line));
    let first = world.projector.take_rows();
    super::lines(after).for_each(|line| world.tell(line));
    let tail = world.projector.take_rows();
    let mut all = clone_all(&first);
    extend(&mut all, clone_all(&tail));
    let base = LineageGraph::build(graph_rows(&first, Vec::new()), None).expect("a graph");
    let fresh = LineageGraph::build(graph_rows(&all, Vec::new()), None).expect("a graph");
    let tables = GraphTables::of_rows(graph_rows(&tail, Vec::new())).expect("tables");
    (base.grown(&tables).expect("rows that fit").map(Arc::new), Arc::new(fresh))
}

#[test]
fn a_run_that_turns_out_to_be_of_another_job_clears_what_that_job_does() {
    const MASKED: &str = "5 find d:a ENTITY_0 pii
                          10 run r1 RUNNING etl: d:a -> d:b cols d:a>d:b*
                          11 run r2 RUNNING etl: d:a -> d:c cols d:a>d:c";
    // The column lineage of an edge that was there: it clears something now.
    let (grown, fresh) = grown_from(MASKED, "20 run r2 RUNNING etl: d:a -> d:c cols d:a>d:c*");
    let grown = grown.expect("it grows");
    assert_eq!(answers(&grown, None), answers(&fresh, None));
    for (job, grows) in [("etl", true), ("other", false)] {
        let (grown, fresh) = grown_from(MASKED, &format!("20 run r1 COMPLETE {job}: d:a -> d:b"));
        assert_eq!(grown.is_some(), grows, "{job}");
        if let Some(grown) = grown {
            assert_eq!(answers(&grown, None), answers(&fresh, None), "{job}");
        }
    }
}
